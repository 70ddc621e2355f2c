"""What worker, trainer and agent show to Prometheus and send to a collector, as processes of their own."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from coldspring import Producer
from recommender.passages import trace_id
from recommender.topics import Topics
from streams.local_broker import EmbeddedBroker
from streams.local_store import LocalStore
from streams.ports import LOOPBACK, free_port
from tests.rig.collector import Collector
from tests.rig.system import eventually
from tests.rig.worker import WorkerProcess

CLICKS = 40
ROLES = ("worker", "trainer", "agent")


class Site:
    """The three processes on an embedded broker and store."""

    def __init__(self, broker: EmbeddedBroker, store: LocalStore, collector: Collector, data: Path) -> None:
        self.bootstrap = broker.bootstrap
        self.collector = collector
        self.ports = {role: free_port() for role in ROLES}
        self.processes = [
            WorkerProcess(
                broker.bootstrap, store.url, "metrics", "", role, COLDSPRING_METRICS=f"{LOOPBACK}:{port}",
                COLDSPRING_DATA=str(data / role), COLDSPRING_TRACE=collector.url, COLDSPRING_TRACE_SHARE="1",
            )
            for role, port in self.ports.items()
        ]  # fmt: skip

    def samples(self, role: str) -> dict[tuple[str, str], float]:
        """Values by name and the values of the labels, joined."""
        try:
            text = httpx.get(f"http://{LOOPBACK}:{self.ports[role]}/metrics", trust_env=False).text
        except httpx.HTTPError:
            return {}
        return {
            (sample.name, ",".join(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def total(self, role: str, name: str) -> float:
        """A metric over all its labels."""
        return sum(value for (sample, _), value in self.samples(role).items() if sample == name)


@pytest.fixture
def site(embedded_broker: EmbeddedBroker, embedded_store: LocalStore, tmp_path: Path) -> Iterator[Site]:
    embedded_broker.create_topics({topic.name: topic.partitions for topic in Topics().all()})
    with ExitStack() as stack, Collector() as collector:
        site = Site(embedded_broker, embedded_store, collector, tmp_path)
        for process in site.processes:
            stack.callback(process.close)
            process.start()
        yield site


@pytest.mark.timeout(300)
def test_each_process_tells_of_its_work(site: Site) -> None:
    producer = Producer(site.bootstrap)
    for n in range(CLICKS):
        event = f"e{min(n, CLICKS - 3)}"  # the last two repeat an id
        producer.interaction(user_id="u1", item_id=f"i{n}", type="click", event_id=event)
    producer.send("interactions", "u1", b"no JSON")
    producer.close()
    eventually(lambda: site.total("worker", "coldspring_events_applied_total") == CLICKS - 2, seconds=120, every_s=0.2)
    eventually(lambda: site.samples("worker").get(("coldspring_dead_letters_total", "not_json")) == 1, seconds=30)
    assert site.total("worker", "coldspring_events_duplicate_total") == 2
    told = site.samples("worker")
    assert told["coldspring_event_to_state_seconds_count", ""] == CLICKS + 1
    for stage in ("read", "learn", "store"):
        assert told["coldspring_event_stage_seconds_count", stage] == CLICKS + 1
    lags = {labels for name, labels in told if name == "coldspring_consumer_lag_records"}
    assert {"0,interactions", "3,items"} <= lags
    assert site.total("worker", "coldspring_consumer_lag_records") == 0

    eventually(lambda: site.samples("trainer").get(("coldspring_live_tested_events_total", "all"), 0) > 3, seconds=60)
    told = site.samples("trainer")
    assert told["coldspring_trainer_examples_total", "counted"] == CLICKS - 2
    for model in ("default", "popularity"):
        assert ("coldspring_live_hit_rate", f"{model},all") in told
        assert ("coldspring_live_hit_rate", f"{model},cold_items") in told
    assert told["coldspring_drift_alarm", ""] == 0
    eventually(lambda: site.total("agent", "coldspring_events_applied_total") == CLICKS - 2, seconds=60, every_s=0.2)
    eventually(lambda: site.samples("agent").get(("coldspring_staleness_ms", "")) == 0, seconds=60, every_s=0.2)

    spans = spans_until(site.collector, trace_id("e7"))
    [own] = [span for span in spans if span["traceId"] == trace_id("e7") and span["name"] == "event"]
    [batch] = [span for span in spans if span["traceId"] == own["links"][0]["traceId"] and "links" in span]
    assert batch["name"] == "batch"
    parts = [span["name"] for span in spans if span.get("parentSpanId") == own["spanId"]]
    assert parts == ["event wait", "event learn", "event store"]


def spans_until(collector: Collector, trace: str) -> list[dict[str, Any]]:
    """What came until a trace was among it, and the request after that where its links may be."""
    spans: list[dict[str, Any]] = []
    while trace not in {span["traceId"] for span in spans}:
        spans += collector.spans()
    while not collector.requests.empty():
        spans += collector.spans()
    return spans
