"""docker-compose.yml, as far as it can be judged without a Docker engine.

tests/rig/compose-spec.json is the schema of the Compose Specification (Apache-2.0, The Compose Specification Authors),
as of compose-go 2.4.9.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if str(service["image"]).startswith("coldspring:"))
ONE_SHOT = {"topics"}
COMMANDS = {
    "topics": ["topics", "create"],
    "worker": ["run", "worker"],
    "trainer": ["run", "trainer"],
    "embedding": ["run", "embedding"],
    "embedding-gpu": ["run", "embedding"],
    "recommender-agent": ["run", "agent"],
    "serving": ["run", "serving"],
}

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def test_it_fits_the_compose_specification() -> None:
    schema = json.loads((ROOT / "tests" / "rig" / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(COMPOSE)


def test_every_process_is_there() -> None:
    assert set(OURS) == set(COMMANDS)
    assert set(SERVICES) - set(OURS) == {"kafka", "redis", "prometheus", "grafana"}
    assert {name: SERVICES[name]["command"] for name in OURS} == COMMANDS


@each_service
def test_health_is_checked(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if name in ONE_SHOT:
        assert check == {"disable": True}
    else:
        assert check["test"][0] in {"CMD", "CMD-SHELL"}
        assert {"interval", "timeout", "retries"} <= set(check)


@each_service
def test_nobody_is_root(name: str) -> None:
    user, _, _ = SERVICES[name]["user"].partition(":")
    assert int(user) > 0
    assert "privileged" not in SERVICES[name]


@each_service
def test_images_are_pinned(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert any(character.isdigit() for character in tag), f"{name} has no version"


@each_service
def test_ports_are_published_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        address, published, _ = port.split(":")
        assert address == "127.0.0.1"
        assert int(published) >= 1024


@each_service
def test_it_waits_for_what_it_needs(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how["condition"] == wanted
    if name in OURS and name not in ONE_SHOT:
        assert set(SERVICES[name]["depends_on"]) == {"topics", "kafka", "redis"}


@each_service
def test_volumes_are_named_or_ours(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, _ = volume.partition(":")
        if source.startswith("./"):
            assert (ROOT / source).is_dir()
            assert volume.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


def test_redis_keeps_everything() -> None:
    command = SERVICES["redis"]["command"]
    settings = dict(zip(command[1::2], command[2::2], strict=True))
    assert settings["--appendonly"] == "yes"
    assert settings["--appendfsync"] == "everysec"
    assert settings["--maxmemory-policy"] == "noeviction"
    assert SERVICES["redis"]["volumes"] == ["redis-data:/data"]


def test_kafka_makes_no_topics_by_accident() -> None:
    assert SERVICES["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_processes_find_each_other() -> None:
    for name in OURS:
        environment = SERVICES[name]["environment"]
        assert environment["COLDSPRING_BOOTSTRAP"] == "kafka:19092"
        assert environment["COLDSPRING_REDIS"] == "redis://redis:6379/0"
    assert "INTERNAL://kafka:19092" in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert SERVICES["serving"]["environment"]["COLDSPRING_ENCODER_URL"] == "http://embedding:8001"


def test_the_gpu_is_a_profile_of_its_own() -> None:
    assert SERVICES["embedding-gpu"]["profiles"] == ["gpu"]
    assert SERVICES["embedding-gpu"]["build"]["args"] == {"ACCELERATOR": "cuda"}
    assert SERVICES["embedding"]["build"]["args"] == {"ACCELERATOR": "cpu"}
    assert not any("profiles" in SERVICES[name] for name in SERVICES if name != "embedding-gpu")


def test_the_image_is_not_root_and_has_a_health_check() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    final = dockerfile.split("\nFROM ")[-1]
    assert "\nUSER coldspring\n" in final
    assert "\nHEALTHCHECK " in final
    assert ":latest" not in dockerfile
    uid = SERVICES["worker"]["user"].split(":")[0]
    assert f"--uid {uid} " in final


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert source in allowed, f"{source} is left out by .dockerignore"


def test_configuration_of_the_watchers_loads() -> None:
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    watched = {job["job_name"] for job in prometheus["scrape_configs"]}
    assert watched == set(OURS) - ONE_SHOT - {"embedding-gpu"}
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/coldspring.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert all("coldspring_" in expression for expression in expressions)
