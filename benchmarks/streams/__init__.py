"""Seeded streams of events with a known best possible score.

>>> from benchmarks import streams
>>> stream = streams.make("films", events=300, seed=1)
>>> stream == streams.make("films", events=300, seed=1), len(stream.events), stream.repeats
(True, 300, False)
>>> 0.0 < stream.best().ndcg < stream.best().hr < 1.0
True
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

from benchmarks.streams.births import births
from benchmarks.streams.films import films
from benchmarks.streams.news import news
from benchmarks.streams.sessions import sessions
from benchmarks.streams.shop import shop
from benchmarks.streams.stream import DAY, HOUR, MINUTE, Announcement, Best, Event, Stream

MAKERS: MappingProxyType[str, Callable[..., Stream]] = MappingProxyType(
    {
        "films": films,
        "news": news,
        "shop": shop,
        "sessions": sessions,
        "births": births,
        "drift": partial(films, drift=0.5, drift_kind="both"),
    }
)


def names() -> tuple[str, ...]:
    """The kinds of streams."""
    return tuple(MAKERS)


def make(name: str, events: int = 20_000, seed: int = 0, **options: Any) -> Stream:
    """A stream by name; the same arguments give the same stream. `options` are the maker's own."""
    return MAKERS[name](events=events, seed=seed, **options)


__all__ = ["DAY", "HOUR", "MAKERS", "MINUTE", "Announcement", "Best", "Event", "Stream", "make", "names"]
