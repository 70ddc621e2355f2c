"""Where a worker stands: for each partition that it holds how far its state is, and how far its log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from faust.types import TP

from recommender.head import ItemHead, UserHead
from streams.current import Current


class Standing(Protocol):
    """A shard as its figures need it."""

    @property
    def head(self) -> UserHead | ItemHead: ...
    def next_offset(self, topic: str) -> int: ...


def standing(
    held: Iterable[tuple[TP, str, Standing]], end: Callable[[TP], int | None], current: Current, now_ms: int
) -> dict[str, Any]:
    """The figures, by "<topic>:<partition>": lag in records, until when the state is current, and its own counters.

    `held` are the partitions with their topic's kind and their shard; `end` is the end of a log as this process last
    heard it, None before the first word. The counters are durable with the state, so they go on after a restart.
    """
    lag, counters = {}, {}
    for tp, kind, shard in held:
        place, position, newest = f"{kind}:{tp.partition}", shard.next_offset(kind), end(tp)
        lag[place] = max(0, (newest or 0) - position)
        current.look(place, position, newest, now_ms)
        if kind in ("interactions", "items"):
            head = shard.head
            told = {"applied": head.applied, "dead_letters": head.dead_letters}
            counters[place] = told | ({"duplicates": head.duplicates} if isinstance(head, UserHead) else {})
    return {"lag": lag, "until": {place: current.until[place] for place in lag if place in current.until},
            "state": counters}  # fmt: skip
