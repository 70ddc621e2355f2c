"""Prequential evaluation of a model on event logs (docs/evaluation.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from coldspring.evaluation.feed import Encode, Feed
from coldspring.log_file import LogLine
from coldspring.settings import Settings
from coldspring.wiring import event_types
from online_models import registry
from recommender import evaluation

TOLD_EVERY = 50


@dataclass(frozen=True, slots=True)
class Protocol:
    """How events are predicted and learned: `recommender.evaluation.evaluate` has the words.

    limit: only the first so many interactions. delay_s: seconds of event time.
    """

    every: int = 1
    k: int = 10
    limit: int | None = None
    repeats: bool = False
    delay_s: float = 0.0
    own_at_once: bool = False
    window: int = 1_000


def model_names() -> tuple[str, ...]:
    """The models that can be evaluated."""
    return tuple(registry.names())


def evaluate_lines(
    lines: Iterable[LogLine],
    model: str,
    settings: Settings,
    protocol: Protocol = Protocol(),
    *,
    encode: Encode | None = None,
    record: Callable[[evaluation.Ranked], None] | None = None,
    each: Callable[[int, str], None] = lambda _size, _words: None,
) -> dict[str, Any]:
    """The measures by name (`hr@10`, …, `cold_items`, `cold_users`, `windows`), with `model` and `skipped` lines.

    Parameters
    ----------
    encode: gives items their vectors; without it models know them by their events and texts only.
    record: called with each ranked event.
    each: called now and then with the bytes read since the last call, and with words on the result so far.
    """
    feed = Feed(lines, registry.make(model), event_types(settings), encode)
    told = 0

    def progress(_count: int, report: evaluation.Report) -> None:
        nonlocal told
        if report.every.events % TOLD_EVERY == 0:
            each(feed.bytes - told, f"HR@{protocol.k} {report.every.hits.value:.4f}")
            told = feed.bytes

    report = evaluation.evaluate(
        feed.model,
        islice(feed, protocol.limit),
        protocol.every,
        progress,
        k=protocol.k,
        similarity=feed.similarity,
        repeats=protocol.repeats,
        delay_ms=round(1000 * protocol.delay_s),
        own_at_once=protocol.own_at_once,
        window=protocol.window,
        record=record,
    )
    return {"model": model, **report.as_dict(), "skipped": feed.skipped}
