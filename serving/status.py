"""The figures of a running system: what `service.status()` says, and the page and the metrics show.

>>> quantile_s({"bounds": [0.1, 0.2], "counts": [50, 50, 0]}, 0.5)
0.1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict


class Durations(TypedDict, total=False):
    """A histogram: counts by upper bound (s), one more count for what lies above them all, and the sum (s)."""

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


class NewItem(TypedDict, total=False):
    """A recently announced item and the steps of its life (ms): arrived, encoded, indexed, first_recommended."""

    item_id: str
    title: str | None
    life: dict[str, int | None]


class Status(TypedDict, total=False):
    """The shape of `service.status()`; every member may be absent.

    `dead_letters` by reason, `set_aside` their number; `lag` in records; `position` holds the next offsets of the state
    by topic; `quality` is the trainer's live quality (docs/live-quality.md).
    """

    applied: int
    duplicates: int
    dead_letters: dict[str, int]
    set_aside: int
    events_per_s: float
    lag: int
    staleness_ms: int
    position: dict[str, list[int]]
    event_to_state: Durations
    item_to_searchable: Durations
    event_stages: dict[str, Durations]
    item_stages: dict[str, Durations]
    users: int
    items: int
    index_size: int
    quality: dict[str, Any]
    newest: list[NewItem]
    known_users: list[str]
    versions: dict[str, Any]


def quantile_s(durations: Durations, share: float) -> float | None:
    """The bound (s) that a `share` of all durations stays within, or None where there are none."""
    counts = durations.get("counts", ())
    wanted = share * sum(counts)
    if not wanted:
        return None
    seen = 0
    for bound, count in zip(durations["bounds"], counts, strict=False):
        seen += count
        if seen >= wanted:
            return bound
    return float(durations["bounds"][-1])


def with_quantiles(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status for the page: the median and the 99th percentile beside each histogram, in ms."""
    told = dict(status)
    for name in ("event_to_state", "item_to_searchable"):
        durations: Any = told.get(name)
        if durations:
            for label, share in (("p50_ms", 0.5), ("p99_ms", 0.99)):
                seconds = quantile_s(durations, share)
                durations = {label: None if seconds is None else seconds * 1000, **durations}
            told[name] = durations
    return told
