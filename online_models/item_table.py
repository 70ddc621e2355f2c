"""The items of one partition: their names, counts and neighbour rows, as far as they are in hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numba import njit

from online_models import admission
from online_models.dictionary import Dictionary
from online_models.item_stats import ItemStats
from online_models.kernels import HISTORY, RING
from online_models.neighbours import NeighbourRows, grown
from online_models.row_source import Changes, RowSource

Array = np.ndarray[Any, Any]

_STATS: Final = 1
_ALL: Final = 2
"""What is in hand of an item: its counts, or its counts and its row."""
_STATS_CHANGED: Final = 1
_ROW_CHANGED: Final = 2


@njit(cache=True)
def _missing_voters(items: Array, slots: Array, ring_item: Array, ring_total: Array, in_hand: Array) -> Array:
    """Indexes, each once, of which not all is in hand: `items`, and the newest `RING` of the rings of `slots`."""
    marked = np.zeros(len(in_hand), np.bool_)
    out = np.empty(len(in_hand), np.int64)
    count = 0
    for index in items:
        if in_hand[index] != _ALL and not marked[index]:
            marked[index] = True
            out[count] = index
            count += 1
    for slot in slots:
        total = ring_total[slot]
        for d in range(min(total, RING)):
            index = ring_item[slot, (total - 1 - d) % HISTORY]
            if in_hand[index] != _ALL and not marked[index]:
                marked[index] = True
                out[count] = index
                count += 1
    return out[:count]


class ItemTable:
    """Names, counts and rows by local index; `dirty` marks what changed (1: counts, 2: the row), for the kernel."""

    def __init__(self, types: int, source: RowSource, names: Sequence[str] = ()) -> None:
        self.dictionary = Dictionary(names)
        self.stats = ItemStats(types)
        self.rows = NeighbourRows()
        self.dirty = np.zeros(1024, np.uint8)
        self._source = source
        self._in_hand = np.zeros(1024, np.uint8)
        self._stored_names = len(names)
        self._gone: list[int] = []
        self.reserve()

    def reserve(self) -> None:
        """Make place for every item that has a name."""
        items = len(self.dictionary)
        self.stats.reserve(items)
        self.rows.reserve(items)
        if items > len(self.dirty):
            size = max(items, 2 * len(self.dirty))
            self.dirty = grown(self.dirty, size)
            self._in_hand = grown(self._in_hand, size)

    def bring_voters(self, items: Array, slots: Array, ring_item: Array, ring_total: Array) -> None:
        """Have counts and rows in hand of these items, and of those that vote in the rings of these slots."""
        if self._source.has_items:
            self.bring(_missing_voters(items, slots, ring_item, ring_total, self._in_hand))

    def bring(self, indexes: Array) -> None:
        """Have counts and rows of items in hand."""
        if not self._source.has_items:
            return
        missing = indexes[self._in_hand[indexes] != _ALL].tolist()
        stored = [index for index in missing if index < self._stored_names]
        for index, (stats, row) in zip(stored, self._source.item_rows(stored), strict=True):
            if stats:
                self.stats.put(index, stats)
            if row:
                self.rows.put(index, row)
        self._in_hand[missing] = _ALL

    def bring_all(self) -> None:
        """Have everything in hand, for who reads the arrays."""
        self.bring(np.arange(len(self.dictionary)))

    def clear_places(self, count: int, kept: Sequence[int], now: int) -> None:
        """The `count` least popular items at `now` (event time, ms), but for `kept`, give their places up."""
        live = np.fromiter(self.dictionary.index.values(), np.int64, self.dictionary.live)
        self._bring_stats(live)
        free = np.setdiff1d(live, kept)
        gone = admission.least_wanted(free, self.stats.table, self.dictionary.tie, now, count)
        for index in gone:
            self.dictionary.drop(index)
            self.stats.clear(index)
            self.rows.clear(index)
        self._in_hand[gone] = _ALL
        self.dirty[gone] = 0
        self._gone.extend(gone)

    def take_changes(self, changes: Changes) -> None:
        """Fill in what changed since the last call; it counts as stored from now on."""
        marks = self.dirty[: len(self.dictionary)]
        if marks.max(initial=0):
            changes.stats = self.stats.many(np.flatnonzero(marks & _STATS_CHANGED))
            changes.rows = self.rows.many(np.flatnonzero(marks & _ROW_CHANGED))
            marks[:] = 0
        changes.names = self.dictionary.names[self._stored_names :]
        changes.gone, self._gone = self._gone, []
        self._stored_names = len(self.dictionary)

    def _bring_stats(self, indexes: Array) -> None:
        if not self._source.has_items:
            return
        missing = indexes[self._in_hand[indexes] == 0].tolist()
        stored = [index for index in missing if index < self._stored_names]
        for index, stats in zip(stored, self._source.item_stats(stored), strict=True):
            if stats:
                self.stats.put(index, stats)
        self._in_hand[missing] = _STATS
