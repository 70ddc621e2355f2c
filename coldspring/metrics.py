"""What the processes without HTTP of their own show to Prometheus: the figures that they tell in their pulse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from serving.live_quality import quality_metrics
from serving.metrics import Histograms, Metrics, histogram_family

DEAD: Final = "dead_letters:"
PLACE: Final = ("topic", "partition")
STATE: Final = {
    "applied": ("coldspring_events_applied", "Interactions and items learned, each once; durable with the state."),
    "duplicates": ("coldspring_events_duplicate", "Interactions left out because their event_id was known."),
}


class Told(Collector):
    """Metrics from the figures that `told` gives: those of a worker's or the trainer's pulse."""

    def __init__(self, told: Callable[[], Mapping[str, Any]]) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        told = self._told()
        for field, (name, text) in STATE.items():
            family = CounterMetricFamily(name, text, labels=PLACE)
            for place, counters in told.get("state", {}).items():
                if field in counters:
                    family.add_metric(place.rsplit(":", 1), counters[field])
            yield family
        yield from _counted(told.get("counts", {}))
        lag = GaugeMetricFamily("coldspring_consumer_lag_records", "Records written but not yet learned.", labels=PLACE)
        for place, records in told.get("lag", {}).items():
            lag.add_metric(place.rsplit(":", 1), records)
        yield lag
        if durations := told.get("event_to_state"):
            text = "From an interaction's record to the state that includes it."
            whole: Histograms = {(): durations}
            yield histogram_family("coldspring_event_to_state_seconds", text, whole)
        if stages := told.get("stages"):
            text = "What an interaction spent in each stage: until it was read, being learned, being stored."
            of_stage: Histograms = {(stage,): durations for stage, durations in stages.items()}
            yield histogram_family("coldspring_event_stage_seconds", text, of_stage, ("stage",))
        yield from quality_metrics(told.get("quality", {}))


def _counted(counts: Mapping[str, int]) -> Iterator[Metric]:
    dead = CounterMetricFamily("coldspring_dead_letters", "Events set aside, by reason.", labels=("reason",))
    other = CounterMetricFamily("coldspring_worker_counts", "What else a worker counts, by name.", labels=("what",))
    for name, count in counts.items():
        if name.startswith(DEAD):
            dead.add_metric([name[len(DEAD) :]], count)
        else:
            other.add_metric([name], count)
    yield dead
    yield other


def show(told: Callable[[], Mapping[str, Any]]) -> None:
    """Add these figures to what this process shows."""
    REGISTRY.register(Told(told))


def show_requests(metrics: Metrics) -> None:
    """Add what a door counts, and what the recommender's status says, to what this process shows."""
    REGISTRY.register(metrics)
