# Run `make` to see what there is. Everything sets itself up first; a second call takes no time for it.
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv reads the machine's own certificates and the machine's own package index
UV := UV_SYSTEM_CERTS=1 VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv
READY := $(VENV)/.ready
WARM := $(VENV)/.warm
SYSTEM := $(VENV)/.system
JARS := $(VENV)/.jars

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(WARM) ## Run it all on this machine with real events: no Docker, no Java (Ctrl-C ends it)
	$(BIN)/coldspring demo

.PHONY: test
test: setup lint types ## Set up, lint, type-check and run all tests: exactly what CI runs
	$(BIN)/pytest -q --durations=15

.PHONY: lint
lint: $(READY) ## Check style, formatting and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

.PHONY: types
types: $(READY) ## Check the types (mypy, strict)
	$(BIN)/mypy

.PHONY: bench
bench: setup ## Measure what is fast, each beside its floor or peer (some 20 minutes); one: make bench-NAME
	$(BIN)/python -m benchmarks

bench-%: setup
	$(BIN)/python -m benchmarks $*

.PHONY: chaos
chaos: setup ## Kill, starve and cut off real processes for some 25 minutes; writes a table of recovery times
	CHAOS_RESULTS=benchmarks/results/$$(date +%F)-chaos.md $(BIN)/pytest -q -m chaos tests/chaos

.PHONY: fuzz
fuzz: setup ## Fuzz the decoders and the HTTP API for longer
	COLDSPRING_FUZZ=400 $(BIN)/pytest -q --timeout=3600 tests/fuzz --deselect tests/fuzz/test_decoders_by_coverage.py
	$(BIN)/python -m tests.fuzz.decoders_by_coverage -max_total_time=600

.PHONY: property
property: setup ## Try every property of the digest on 10,000 examples (hours on two cores)
	for seed in 1 2 3 4 5 6 7 8 9 10; do \
		HYPOTHESIS_PROFILE=long $(BIN)/pytest -q --timeout 36000 --hypothesis-seed=$$seed tests/property; \
	done

.PHONY: quality
quality: setup ## Run the simulations at their long sizes, and all models on all streams
	QUALITY_LONG=1 $(BIN)/pytest -q --timeout=1800 tests/quality
	$(BIN)/python -m benchmarks.quality

.PHONY: docs
docs: $(READY) ## Run the examples in docstrings, README and docs
	$(BIN)/pytest -q --doctest-glob='*.md' recommender online_models README.md docs

.PHONY: up
up: ## Start the production shape in Docker and wait until it is healthy
	docker compose up --build --detach --wait

.PHONY: down
down: ## Stop it; its volumes stay
	docker compose down

.PHONY: setup
setup: $(WARM) $(SYSTEM) $(JARS) ## Install what the tests need: packages, Java, Redis, Chromium, Kafka's jars

.PHONY: lock
lock: $(VENV)/.uv ## Resolve the dependencies again and write requirements.lock
	$(UV) pip compile pyproject.toml --extra dev --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-header -o requirements.lock
	grep -oE '^(torch|triton|nvidia[a-z0-9-]*|cuda[a-z0-9-]*)==' requirements.lock | tr -d = > scripts/cuda-packages.txt

.PHONY: clean
clean: ## Remove what was built and cached, the virtual environment and Kafka's jars included
	rm -rf $(VENV) .cache build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.uv: scripts/uv.lock
	PYTHON=$(PYTHON) scripts/setup-system.sh build
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement scripts/uv.lock
	touch $@

# Without bytecode on disk, every process would compile what it imports: serving starts in 1.3 s with it, 3.1 without.
$(READY): $(VENV)/.uv requirements.lock pyproject.toml
	$(UV) pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	$(UV) pip install --quiet --no-deps --editable .
	touch $@

# The models' machine code is compiled once and kept on disk (numba), our own bytecode too.
$(WARM): $(READY) $(wildcard online_models/*.py online_models/baselines/*.py recommender/*.py)
	$(BIN)/python -m compileall -q coldspring embedding_worker online_models recommender serving streams
	$(BIN)/python -m coldspring.warm
	touch $@

$(SYSTEM): $(READY) scripts/setup-system.sh
	PYTHON=$(PYTHON) scripts/setup-system.sh
	touch $@

$(JARS): $(SYSTEM) tests/rig/kafka-pom.xml tests/rig/kafka-jars.sha256
	$(BIN)/python -m tests.rig.kafka_jars
	touch $@
