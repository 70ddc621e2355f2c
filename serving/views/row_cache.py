"""Neighbour rows at hand: bounded, and fetched again when the changes say so, at most so often."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from recommender.numbering import Array

NOTHING: Final = np.zeros((0, 3), np.int32)
AT_ONCE: Final = 250
"""Of rows that were dropped so many are let go at a time."""


@dataclass(slots=True)
class CachedRow:
    """One item's row: a piece for each partition, which of them changed since, and when it was fetched (s).

    known_to: the partitions that know the item; None where that is to be looked up. settled: there is a piece of each.
    """

    pieces: dict[int, Array] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)
    fetched: float = 0.0
    known_to: set[int] | None = None
    settled: bool = False
    joined: Array | None = None

    def whole(self) -> Array:
        """All pieces one after another, [m, 3] int32."""
        if self.joined is None:
            parts = [piece for piece in self.pieces.values() if len(piece)]
            self.joined = parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else NOTHING
        return self.joined


class RowCache:
    """Rows by item number, the least recently used ones leave.

    Parameters
    ----------
    max_age_s
        A row that changed is served for so long at most: others' counts may be a second late for nothing, and a busy
        item's row changes with every batch.
    max_entries
        Entries (12 bytes each) of all rows together.
    """

    def __init__(self, max_age_s: float = 0.5, max_entries: int = 4_000_000) -> None:
        self.max_age_s = max_age_s
        self.max_entries = max_entries
        self.entries = 0
        self.cleared = 0
        self._rows: OrderedDict[int, CachedRow] = OrderedDict()
        self._dropped: list[OrderedDict[int, CachedRow]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def invalidate(self, partition: int, numbers: Iterable[int]) -> None:
        """A partition's pieces of these rows changed."""
        for number in numbers:
            row = self._rows.get(number)
            if row is not None:
                row.stale.add(partition)

    def met(self, partition: int, numbers: Iterable[int]) -> None:
        """A partition met these items, or knows them no more."""
        for number in numbers:
            row = self._rows.get(number)
            if row is not None:
                row.stale.add(partition)
                row.known_to, row.settled = None, False

    def clear(self) -> None:
        """Drop everything; the memory comes back bit by bit (`trim`), since millions of entries take a while."""
        self._dropped.append(self._rows)
        self._rows = OrderedDict()
        self.entries = 0
        self.cleared += 1

    def ready(self, number: int, now: float) -> Array | None:
        """A row as it may be served, [m, 3] int32; None if `wanted` must be asked."""
        row = self._rows.get(number)
        if row is None or not row.settled or (row.stale and now - row.fetched >= self.max_age_s):
            return None
        self._rows.move_to_end(number)
        return row.whole()

    def wanted(self, number: int, partitions: Sequence[int], now: float) -> list[int]:
        """Which partitions' pieces of a row must be fetched; `partitions` are those that know the item.

        They count as fresh from now on, so that a change during the fetch is not lost; `failed` takes that back.
        """
        row = self._rows.get(number)
        if row is None:
            row = self._rows[number] = CachedRow()
        self._rows.move_to_end(number)
        for partition in row.pieces.keys() - set(partitions):  # the item gave its place up there
            self.entries -= len(row.pieces.pop(partition))
            row.joined = None
        row.stale.intersection_update(partitions)
        missing = [partition for partition in partitions if partition not in row.pieces]
        if row.stale and now - row.fetched >= self.max_age_s:
            missing = sorted(row.stale.union(missing))
            row.stale.clear()
            row.fetched = now
        elif missing:
            row.fetched = now
        row.known_to = set(partitions)
        row.settled = row.pieces.keys() == row.known_to
        return missing

    def put(self, number: int, partition: int, piece: Array) -> None:
        """A piece was fetched."""
        row = self._rows.get(number)
        if row is None:  # left in the meantime
            row = self._rows[number] = CachedRow()
        self.entries += len(piece) - len(row.pieces.get(partition, NOTHING))
        row.pieces[partition] = piece
        row.joined = None
        row.settled = row.pieces.keys() == row.known_to

    def failed(self, wanted: Mapping[int, Iterable[int]]) -> None:
        """A fetch failed: these partitions' (keys) pieces of rows (values) are as stale as before."""
        for partition, numbers in wanted.items():
            self.invalidate(partition, numbers)

    def get(self, number: int) -> Array:
        """A row, [m, 3] int32."""
        row = self._rows.get(number)
        return NOTHING if row is None else row.whole()

    def trim(self) -> None:
        """Let rows go until the bound holds; called between questions."""
        while self.entries > self.max_entries and self._rows:
            _, row = self._rows.popitem(last=False)
            self.entries -= sum(len(piece) for piece in row.pieces.values())
        while self._dropped and not self._dropped[-1]:
            self._dropped.pop()
        for _ in range(min(AT_ONCE, len(self._dropped[-1])) if self._dropped else 0):
            self._dropped[-1].popitem()
