"""Spans reach a collector as OTLP over HTTP has them, and one that is away holds nothing up."""

from collections.abc import Iterator

import pytest

from coldspring.otlp import WAITING, Exporter, spans
from coldspring.settings import Settings
from recommender.spans import Span
from tests.rig.collector import Collector

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = Span(TRACE, "batch", 1_000, 1_030, {"a": "text", "b": 7, "c": True, "d": 0.5}, ("f" * 32,),
            (("learn", 1_000, 1_010), ("store", 1_010, 1_030)))  # fmt: skip


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def test_a_span_arrives_with_its_parts(collector: Collector) -> None:
    exporter = Exporter(collector.url + "/", "coldspring-worker", "X-Key=secret, Y=2", pause_s=0.01)
    exporter.start()
    exporter.send(SPAN)
    path, headers, body = collector.requests.get(timeout=30)
    assert path == "/v1/traces"
    assert (headers["Content-Type"], headers["X-Key"], headers["Y"]) == ("application/json", "secret", "2")
    [resource] = body["resourceSpans"]
    assert resource["resource"]["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "coldspring-worker"}}
    ]
    whole, learn, store = resource["scopeSpans"][0]["spans"]
    assert (whole["traceId"], whole["name"]) == (TRACE, "batch")
    assert (whole["startTimeUnixNano"], whole["endTimeUnixNano"]) == ("1000000000", "1030000000")
    assert whole["attributes"] == [
        {"key": "a", "value": {"stringValue": "text"}}, {"key": "b", "value": {"intValue": "7"}},
        {"key": "c", "value": {"boolValue": True}}, {"key": "d", "value": {"doubleValue": 0.5}},
    ]  # fmt: skip
    assert whole["links"] == [{"traceId": "f" * 32, "spanId": "f" * 16}]
    assert [part["name"] for part in (learn, store)] == ["batch learn", "batch store"]
    assert {part["parentSpanId"] for part in (learn, store)} == {whole["spanId"]}
    assert len({each["spanId"] for each in (whole, learn, store)}) == 3
    assert all(len(each["spanId"]) == 16 for each in (whole, learn, store))


def test_a_collector_that_is_away_costs_spans_and_nothing_else() -> None:
    exporter = Exporter("http://127.0.0.1:1", "x")
    for _ in range(WAITING + 5):  # nobody takes them
        exporter.send(SPAN)
    assert exporter.dropped == 5


def test_it_is_off_unless_somebody_says_where_to() -> None:
    assert spans(Settings(), "worker", {}) is None
    sampled = spans(Settings(trace_share=0.25), "worker", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    assert sampled is not None
    assert sampled.takes("3fffffff" + "0" * 24)
    assert not sampled.takes("40000000" + "0" * 24)
