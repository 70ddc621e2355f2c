"""Figures for Prometheus: what this process counts, and what the workers told through `service.status()`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from serving.live_quality import quality_metrics
from serving.status import Durations

_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_COUNTERS: Final = {
    "applied": ("coldspring_events_applied", "Interactions learned, each once."),
    "duplicates": ("coldspring_events_duplicate", "Interactions left out because their event_id was known."),
}
_GAUGES: Final = {
    "lag": ("coldspring_consumer_lag_records", "Records written but not yet learned."),
    "users": ("coldspring_users", "Users with state."),
    "items": ("coldspring_items", "Live items."),
    "index_size": ("coldspring_index_items", "Items in the vector index of this process."),
    "staleness_ms": ("coldspring_staleness_ms", "How old the state behind an answer may be; 0 when current."),
    "events_per_s": ("coldspring_events_per_second", "Interactions learned per second, of late."),
}
_DURATIONS: Final = {
    "event_to_state": ("coldspring_event_to_state_seconds", "From an event's record to the state that includes it."),
    "item_to_searchable": ("coldspring_item_to_searchable_seconds", "From an item's record to its being findable."),
}
_STAGES: Final = {
    "event_stages": (
        "coldspring_event_stage_seconds",
        "What an interaction spent in each stage: until it was read, being learned, being stored.",
    ),
    "item_stages": (
        "coldspring_item_stage_seconds",
        "What an item spent until each stage of its life, from the one before.",
    ),
}


Histograms = Mapping[tuple[str, ...], Durations]
"""Durations by the values of their labels."""


class Metrics(Collector):
    """The figures of one process, in a registry of their own; as a collector they are part of another."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._told = _Told()
        self.registry.register(self._told)
        self._seconds = Histogram(
            "coldspring_request_seconds",
            "Time to answer a request, by route.",
            ("route", "method", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request; `route` is its template, never the path with its ids."""
        known = method if method in ("GET", "HEAD", "POST", "DELETE") else "other"
        self._seconds.labels(route, known, str(status)).observe(seconds)

    def tell(self, status: Mapping[str, Any]) -> None:
        """Show the figures of `status` from now on."""
        self._told.status = status

    def expose(self, status: Mapping[str, Any]) -> bytes:
        """The text for Prometheus, with the figures of `status`."""
        self.tell(status)
        return generate_latest(self.registry)

    def collect(self) -> Iterable[Metric]:
        return self.registry.collect()


class _Told(Collector):
    """What `service.status()` said last."""

    def __init__(self) -> None:
        self.status: Mapping[str, Any] = {}

    def collect(self) -> Iterator[Metric]:
        for field, (name, text) in _COUNTERS.items():
            if field in self.status:
                yield CounterMetricFamily(name, text, value=self.status[field])
        for field, (name, text) in _GAUGES.items():
            if field in self.status:
                yield GaugeMetricFamily(name, text, value=self.status[field])
        for field, (name, text) in _DURATIONS.items():
            if self.status.get(field):
                yield histogram_family(name, text, {(): self.status[field]})
        for field, (name, text) in _STAGES.items():
            if stages := self.status.get(field):
                yield histogram_family(name, text, {(stage,): each for stage, each in stages.items()}, ("stage",))
        yield from self._by_label()

    def _by_label(self) -> Iterator[Metric]:
        dead = CounterMetricFamily("coldspring_dead_letters", "Events set aside, by reason.", labels=["reason"])
        for reason, count in self.status.get("dead_letters", {}).items():
            dead.add_metric([reason], count)
        yield dead
        yield from quality_metrics(self.status.get("quality", {}))


def histogram_family(name: str, text: str, durations: Histograms, labels: Sequence[str] = ()) -> Metric:
    """Histograms of one name, by the values of their labels."""
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, each in durations.items():
        below = list(accumulate(each["counts"]))
        bounds = [*(str(float(bound)) for bound in each["bounds"]), "+Inf"]
        family.add_metric(values, list(zip(bounds, below, strict=True)), each.get("sum", 0.0))
    return family
