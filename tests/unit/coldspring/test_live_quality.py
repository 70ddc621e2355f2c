"""Live quality where people look: `coldspring top`, `coldspring doctor`, and the metrics."""

import json
from collections.abc import Iterator

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from coldspring import cli, doctor
from coldspring.settings import load
from recommender.keys import Keys
from streams.local_store import LocalStore
from streams.redis_store import connect
from tests.unit.fakes.quality import QUALITY
from tests.unit.fakes.running import RunningServer

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer() as running:
        yield running


def test_top_shows_rates_lag_freshness_and_quality_once(server: RunningServer, capsys: Captured) -> None:
    assert cli.invoke(["top", "--once", "--http", server.url]) == 0
    told = capsys.readouterr().out
    for words in (
        "events learned",
        "512 a second",
        "7 records",
        "half within 10 ms",
        "70,122",
        "not_json 3",
        "version 12",
    ):
        assert words in told
    for part, figures in QUALITY["slices"].items():
        [line] = [line for line in told.splitlines() if part in line]
        assert f"{100 * figures['hr@10']['default']:.1f} %" in line
        assert f"{100 * figures['hr@10']['popularity']:.1f} %" in line
    assert "DRIFT: the hit rate fell from" in told


@pytest.mark.parametrize("options", [["--json"], ["--once", "--json"]])
def test_top_as_json_is_the_status(server: RunningServer, options: list[str], capsys: Captured) -> None:
    assert cli.invoke(["top", *options, "--http", server.url]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["quality"] == json.loads(json.dumps(QUALITY))
    assert told["lag"] == 7


def test_the_metrics_have_a_rate_for_each_model_and_slice(server: RunningServer) -> None:
    text = httpx.get(f"{server.url}/metrics", trust_env=False).text
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    for part, figures in QUALITY["slices"].items():
        assert found["coldspring_live_tested_events_total", part] == figures["tested"]
        for model, rate in figures["hr@10"].items():
            assert found["coldspring_live_hit_rate", model, part] == rate
    assert found["coldspring_drift_alarm",] == 1
    assert found["coldspring_drift_alarms_total",] == 1
    assert found["coldspring_weights_version",] == 12


def test_the_doctor_tells_of_drift(embedded_store: LocalStore) -> None:
    place = embedded_store.url.removeprefix("redis://").partition("/")[0]
    config = load({"redis": embedded_store.url, "cluster": "c", "bootstrap": place})
    assert doctor.drift(config).outcome == "ok"
    client = connect(embedded_store.url)
    client.set(Keys("c").trainer("quality"), msgspec.json.encode(QUALITY))
    found = doctor.drift(config)
    drop = QUALITY["drift"]["last"]
    assert found.outcome == "warn"
    assert f"{drop['before']:.3f} to {drop['after']:.3f}" in found.found
    assert found.advice
    calm = {**QUALITY, "drift": {**QUALITY["drift"], "alarm": False}}
    client.set(Keys("c").trainer("quality"), msgspec.json.encode(calm))
    assert doctor.drift(config).outcome == "ok"
    client.close()
