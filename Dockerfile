# One image for every process of Coldspring. CPU by default; for an NVIDIA GPU:
#   docker build --build-arg ACCELERATOR=cuda .
FROM python:3.11.13-slim-bookworm AS build
ARG ACCELERATOR=cpu
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1 VIRTUAL_ENV=/opt/coldspring PIP_DISABLE_PIP_VERSION_CHECK=1

# hnswlib has no wheels
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY scripts/uv.lock scripts/cuda-packages.txt scripts/
RUN python -m venv "$VIRTUAL_ENV" \
    && "$VIRTUAL_ENV/bin/pip" install --require-hashes --requirement scripts/uv.lock
ENV PATH=/opt/coldspring/bin:$PATH

# The lock's torch is the CUDA build (some 5 GB). On a CPU everything else comes from the lock, by hash, and torch of
# the same version from its CPU builds.
COPY requirements.lock ./
RUN if [ "$ACCELERATOR" = cuda ]; then \
        uv pip sync --require-hashes requirements.lock; \
    else \
        uv pip install --no-deps --require-hashes --excludes scripts/cuda-packages.txt --requirement requirements.lock \
        && torch="$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.lock)" \
        && uv pip install --no-deps --torch-backend cpu "$torch"; \
    fi

COPY pyproject.toml LICENSE README.md ./
COPY coldspring coldspring
COPY embedding_worker embedding_worker
COPY online_models online_models
COPY recommender recommender
COPY serving serving
COPY streams streams
RUN uv pip install --no-deps .


FROM python:3.11.13-slim-bookworm
# OpenMP for torch; nothing else is added to the base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/coldspring --create-home coldspring

COPY --from=build /opt/coldspring /opt/coldspring
COPY deploy/healthcheck.py /opt/coldspring/healthcheck.py
ENV PATH=/opt/coldspring/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/lib/coldspring/numba \
    COLDSPRING_DATA=/var/lib/coldspring/data \
    COLDSPRING_HTTP=0.0.0.0:8000
USER coldspring
# The machine code of the models is made here, not at the first event.
RUN mkdir -p "$COLDSPRING_DATA" && python -m coldspring.warm
WORKDIR /var/lib/coldspring
VOLUME /var/lib/coldspring/data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "/opt/coldspring/healthcheck.py", "http://127.0.0.1:8000/healthz"]
ENTRYPOINT ["coldspring"]
CMD ["run", "serving"]
