"""Counts of items summed over the partitions of users, kept up to date row by row.

A partition numbers its items for itself; here each local index is translated to the reader's number. Sums are made
anew from the partitions' rows for whatever changed, so nothing drifts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from recommender.numbering import Array, Numbering, best, fitted
from recommender.top_items import TopItems

REBASE_MS: Final = 86_400_000

SURE_EVENTS: Final = 15
"""A partition's clock follows the median of so many event times: with fewer, one wrong timestamp can be that median."""
AGREEING: Final = 4
"""Of so many partitions or more the horizons are compared; one that is alone with its time moves nothing."""


class PartitionCounts:
    """One partition's rows by local index, and the translation both ways."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.size = 0
        self.seen = 0
        self.table: Array = np.zeros(256, dtype)
        self.numbers: Array = np.zeros(256, np.int32)
        self.local: Array = np.full(256, -1, np.int32)

    def extend(self, numbers: Sequence[int]) -> None:
        """More items got local indexes, in this order; -1 for one that gave its place up."""
        start, self.size = self.size, self.size + len(numbers)
        self.table = fitted(self.table, self.size)
        self.numbers = fitted(self.numbers, self.size)
        self.numbers[start : self.size] = numbers
        self.local = fitted(self.local, max(numbers, default=-1) + 1, -1)
        for place, number in enumerate(numbers, start):
            if number >= 0:
                self.local[number] = place

    def drop(self, places: Array) -> Array:
        """Items gave their local indexes up; their numbers."""
        numbers = self.numbers[places]
        numbers, places = numbers[numbers >= 0], places[numbers >= 0]
        # An item that came back has another index by now.
        self.local[numbers[self.local[numbers] == places]] = -1
        self.numbers[places] = -1
        self.put(places, np.zeros(len(places), self.table.dtype))
        return np.asarray(numbers.astype(np.int64))

    def put(self, places: Array, rows: Array) -> None:
        """Rows changed; `seen` are the events that all rows count."""
        self.seen += int(rows["by_type"].sum(dtype=np.int64)) - int(self.table["by_type"][places].sum(dtype=np.int64))
        self.table[places] = rows

    def places(self, numbers: Array) -> Array:
        """Local indexes of items by number, -1 where the partition does not know the item."""
        known = numbers < len(self.local)
        return np.where(known, self.local[np.where(known, numbers, 0)], -1)


class ItemCounts:
    """What all partitions together count of each item.

    Parameters
    ----------
    partitions
        How many partitions of users there are.
    dtype
        The layout of a row: fields count, counted, birth, last, popularity_at, popularity [half-lives],
        ahead_at, ahead [half-lives], by_type [types].
    scale
        What one unit of weight is in `count`.
    half_lives_ms
        Half-lives of `popularity`, ms.

    Attributes
    ----------
    count, events, counted, birth, last
        [items] weight in units, events, events each with the share that counted (one account reaches only so far),
        event times (ms, 0: none).
    clock
        The event time that popularity is decayed to: the latest of the partitions' clocks, ms.
    """

    def __init__(self, partitions: int, dtype: np.dtype[Any], scale: float, half_lives_ms: Array) -> None:
        self.dtype = dtype
        self.partitions = [PartitionCounts(dtype) for _ in range(partitions)]
        self.scale = scale
        self.half_lives_ms = np.asarray(half_lives_ms, np.float64)
        self.clocks = [0] * partitions
        self._horizons = [0] * partitions
        self._clock: int | None = None
        self.changes = 0
        self._reference = 0
        self._summed_at = 0
        # Items whose popularity is of a time that the clock has not reached (again): it does not fade until then.
        self._ahead: Array = np.zeros(0, np.int64)
        self._unsummed: list[Array] = []
        self.count: Array = np.zeros(1024)
        self.events: Array = np.zeros(1024)
        self.counted: Array = np.zeros(1024)
        self.birth: Array = np.zeros(1024, np.int64)
        self.last: Array = np.zeros(1024, np.int64)
        self._popularity: Array = np.zeros((1024, len(self.half_lives_ms)))
        self._top: dict[int, TopItems] = {}

    @property
    def clock(self) -> int:
        """The one clock, event time in ms; 0 before the first event.

        The latest among the partitions that can be sure of theirs (among all, while there are none), and what their
        horizons agree on, if that is later.
        """
        if self._clock is None:
            self._clock = self._agreed()
        return self._clock

    def reset(self, partition: int) -> None:
        """Forget all rows of a partition; what is put afterwards takes their place."""
        self.partitions[partition] = PartitionCounts(self.dtype)
        self._clock = None
        self.clocks[partition] = self._horizons[partition] = 0

    def extend(self, partition: int, names: Sequence[str], numbering: Numbering) -> None:
        """New items of a partition, in the order of their local indexes; "" for one that gave its place up."""
        if names:
            self.partitions[partition].extend([numbering.number(name) if name else -1 for name in names])
        self.reserve(len(numbering))

    def put(self, partition: int, places: Array, rows: Array, clock: int, horizon: int) -> None:
        """Rows of a partition changed; clock and horizon are the partition's. `settle` sums them."""
        counts = self.partitions[partition]
        counts.put(places, rows)
        self._clock = None
        self.clocks[partition], self._horizons[partition] = clock, horizon
        self._unsummed.append(counts.numbers[places])

    def settle(self) -> None:
        """Sum what was put and dropped since the last time: partitions that change together are summed once."""
        if not self._unsummed:
            return
        numbers = np.unique(np.concatenate(self._unsummed)).astype(np.int64)
        self._unsummed.clear()
        if self.clock < self._summed_at or self.clock - self._reference > REBASE_MS:
            self.rebuild()
        else:
            self._sum(np.union1d(numbers, self._ahead) if len(self._ahead) else numbers)
        self.changes += 1

    def drop(self, partition: int, places: Array) -> None:
        """Items of a partition gave their local indexes up: it counts nothing of them any more. See `settle`."""
        self._clock = None
        self._unsummed.append(self.partitions[partition].drop(places))

    def rebuild(self) -> None:
        """Sum everything anew (after `reset`)."""
        self._reference = self.clock
        self._ahead = self._ahead[:0]
        self._unsummed.clear()
        self._top.clear()
        self._sum(np.arange(len(self.count)))

    def reserve(self, items: int) -> None:
        """Make place for items 0 to `items` - 1."""
        if items > len(self.count):
            for name in ("count", "events", "counted", "birth", "last", "_popularity"):
                setattr(self, name, fitted(getattr(self, name), items))

    def popularity(self, half_life: int) -> Array:
        """Choices of each item, decayed to `clock` by the half-life of that place, [capacity]."""
        return np.asarray(self._popularity[:, half_life] * self.fades()[half_life])

    def popular(self, half_life: int, allowed: Array, tie: Array, k: int) -> Array:
        """Numbers of the `k` most popular items that a mask allows, best first; only items that were chosen at all."""
        if half_life not in self._top:
            # All decay alike, so the order is that of the undecayed.
            self._top[half_life] = TopItems(lambda numbers: self._popularity[numbers, half_life])
        top = self._top[half_life]
        order = top.order(tie)
        found = order[allowed[order]][:k]
        if len(found) < k and not top.complete:
            numbers = np.flatnonzero(allowed)
            values = self._popularity[numbers, half_life]
            numbers, values = numbers[values > 0.0], values[values > 0.0]
            found = numbers[best(values, tie[numbers], k)]
        return np.asarray(found)

    def trends(self, numbers: Array) -> Array:
        """Popularity of some items at all half-lives, [n, half-lives]."""
        return np.asarray(self._popularity[numbers] * self.fades())

    @property
    def undecayed(self) -> Array:
        """Popularity [capacity, half-lives] that `fades` [half-lives] has still to be multiplied with."""
        return self._popularity

    def by_type(self, number: int) -> Array:
        """Events of one item by type code, [types]."""
        return np.asarray(self.by_types(np.array([number]))[0])

    def by_types(self, numbers: Array) -> Array:
        """Events of some items by type code, [n, types]."""
        total = np.zeros((len(numbers), *self.dtype["by_type"].shape), np.int64)
        for counts in self.partitions:
            places = counts.places(numbers)
            known = np.flatnonzero(places >= 0)
            total[known] += counts.table["by_type"][places[known]]
        return total

    def heard(self, number: int) -> tuple[int, float]:
        """Events of one item, and how many of them counted."""
        if number >= len(self.events):
            return 0, 0.0
        return int(self.events[number]), round(float(self.counted[number]), 3)

    def fades(self) -> Array:
        """What popularity decayed by, at each half-life, since it was written down."""
        return np.asarray(np.exp2(-(self.clock - self._reference) / self.half_lives_ms))

    def _agreed(self) -> int:
        sure = [place for place, counts in enumerate(self.partitions) if counts.seen >= SURE_EVENTS]
        latest = max([self.clocks[place] for place in sure] or self.clocks)
        horizons = sorted(self._horizons[place] for place in sure)
        if len(horizons) < AGREEING:
            return latest
        agreed = horizons[-max(2, len(horizons) // 8)] + self.half_lives_ms[0]
        return max(latest, horizons[bisect_right(horizons, agreed) - 1])

    def _sum(self, numbers: Array) -> None:
        size = len(numbers)
        count, events, counted = np.zeros(size), np.zeros(size), np.zeros(size)
        birth, last = np.full(size, np.iinfo(np.int64).max), np.zeros(size, np.int64)
        popularity = np.zeros((size, len(self.half_lives_ms)))
        clock = self._summed_at = self.clock
        ahead = np.zeros(size, np.bool_)
        for counts in self.partitions:
            places = counts.places(numbers)
            known = np.flatnonzero(places >= 0)
            rows = counts.table[places[known]]
            count[known] += rows["count"] / self.scale
            events[known] += rows["by_type"].sum(axis=1)
            counted[known] += rows["counted"] / self.scale
            born = np.where(rows["birth"] > 0, rows["birth"], np.iinfo(np.int64).max)
            birth[known] = np.minimum(birth[known], born)
            last[known] = np.maximum(last[known], rows["last"])
            for value, at in (("popularity", "popularity_at"), ("ahead", "ahead_at")):
                ahead[known] |= rows[at] > clock
                age = np.maximum(clock - rows[at], 0)[:, None] - (clock - self._reference)
                popularity[known] += rows[value] * np.exp2(-age / self.half_lives_ms)
        self.count[numbers], self.events[numbers], self.counted[numbers] = count, events, counted
        self.birth[numbers] = np.where(birth == np.iinfo(np.int64).max, 0, birth)
        self.last[numbers] = last
        self._popularity[numbers] = popularity
        for top in self._top.values():
            top.note(numbers)
        if ahead.any() or len(self._ahead):
            self._ahead = np.union1d(np.setdiff1d(self._ahead, numbers), numbers[ahead])
