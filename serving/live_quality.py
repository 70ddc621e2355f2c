"""The trainer's live quality as the metrics show it; what the figures mean: docs/live-quality.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


def quality_metrics(quality: Mapping[str, Any]) -> Iterator[Metric]:
    """Metrics of the trainer's figures; none while no trainer was heard."""
    if not quality:
        return
    rates = GaugeMetricFamily(
        "coldspring_live_hit_rate",
        "Prequential hit rate at 10 over the newest tested events of a slice.",
        labels=("model", "slice"),
    )
    tested = CounterMetricFamily("coldspring_live_tested_events", "Events tested before learned.", labels=("slice",))
    for part, figures in quality["slices"].items():
        tested.add_metric([part], figures["tested"])
        for model, rate in figures["hr@10"].items():
            if rate is not None:
                rates.add_metric([model, part], rate)
    yield rates
    yield tested
    drift = quality["drift"]
    text = "1 while the default model's hit rate has dropped and is not back."
    yield GaugeMetricFamily("coldspring_drift_alarm", text, value=int(drift["alarm"]))
    yield CounterMetricFamily("coldspring_drift_alarms", "Times that the hit rate dropped.", value=drift["alarms"])
    lessons = CounterMetricFamily("coldspring_trainer_examples", "Examples, by what they were.", labels=("as",))
    lessons.add_metric(["counted"], quality["examples"])
    lessons.add_metric(["lesson"], quality["lessons"])
    yield lessons
    yield GaugeMetricFamily("coldspring_weights_version", "Version of the newest weights.", value=quality["version"])
