"""Purchases that are told of days late count as if they had been told of in time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import streams
from benchmarks.in_memory import InMemory
from benchmarks.streams import DAY, Announcement, Event, Stream
from benchmarks.streams.stream import Floats

from .size import events

MEAN_DELAY = 2 * DAY
TREND_BIAS = (0.15, 0.08, 0.01, 0.01)
ROW_BIAS, LIST_BIAS = 0.1, 0.03
"""The stated bounds: of popularity at each half-life (3 hours to a month) and of neighbour counts, relative; of the
share of lists, in points."""


def comes_late(item: str) -> bool:
    """Half of the items are of sellers who tell of their purchases days later."""
    return zlib.crc32(item.encode()) % 2 == 0


def arrivals(stream: Stream, late: bool) -> Iterator[Announcement | Event]:
    """The parts in the order in which the log gets them; what would come after its end is in neither."""
    rng = np.random.default_rng(4)
    end = stream.parts[-1].timestamp
    due = []
    for number, part in enumerate(stream):
        delay = 0
        if isinstance(part, Event) and part.type == "purchase" and comes_late(part.item):
            delay = int(rng.exponential(MEAN_DELAY))
        if part.timestamp + delay <= end:
            due.append((part.timestamp + delay * late, number))
    return (stream.parts[number] for _, number in sorted(due))


@dataclass
class Learned:
    """What is known of each item by id, and how much of the users' lists the late items get."""

    ids: list[str]
    count: Floats
    trends: Floats
    pairs: Floats
    share: float
    lists: dict[str, list[str]]


async def learn(stream: Stream, late: bool) -> Learned:
    site = InMemory(partitions=2)
    site.play(arrivals(stream, late))
    lists = {user: await site.ids(user, repeat=True) for user in sorted({event.user for event in stream.events})}
    ids = sorted(site.model.numbering.ids)
    numbers = np.array(site.model.numbering.found(ids))
    rows = await site.model.rows(numbers.tolist())
    return Learned(
        ids,
        site.model.counts.count[numbers],
        site.model.counts.trends(numbers),
        np.array([row[:, 1].sum() for row in rows], np.float64),
        float(np.mean([comes_late(item) for items in lists.values() for item in items])),
        lists,
    )


async def test_late_purchases_are_credited_without_bias() -> None:
    stream = streams.make("shop", events(3_000), seed=2)
    told, late = await learn(stream, late=False), await learn(stream, late=True)
    assert told.ids == late.ids
    group = np.array([comes_late(item) for item in told.ids])
    # What is counted is the same to the bit; what fades goes by the time of the purchase, not of its telling.
    assert np.array_equal(told.count, late.count)
    for those in (group, ~group):
        ratio = late.trends[those].sum(axis=0) / told.trends[those].sum(axis=0)
        assert (np.abs(ratio - 1.0) < TREND_BIAS).all()
        assert abs(late.pairs[those].sum() / told.pairs[those].sum() - 1.0) < ROW_BIAS
    assert np.corrcoef(told.pairs, late.pairs)[0, 1] > 0.99
    # And what users see: the late items keep their share of the lists.
    assert abs(late.share - told.share) < LIST_BIAS
    assert np.mean([len(set(told.lists[user]) & set(late.lists[user])) / 10 for user in told.lists]) > 0.8
