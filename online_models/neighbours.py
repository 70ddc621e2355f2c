"""Neighbour rows of items in one arena: (item index, C, T) triples of int32, row by row."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from online_models.kernels import GROWTH_PER_EVENT

Array = np.ndarray[Any, Any]

ENTRY_BYTES: Final = 12


@njit(cache=True)
def _gathered(size: int, entries: Array, offset: Array, room: Array) -> tuple[Array, Array, int]:
    """A new arena of `size` entries with all rows one behind another, its ids, and where it ends."""
    fresh, ids = np.zeros((size, 3), np.int32), np.zeros(size, np.int32)
    end = 0
    for row in range(len(room)):
        start = offset[row]
        for k in range(room[row]):
            fresh[end + k] = entries[start + k]
            ids[end + k] = entries[start + k, 0]
        if room[row]:
            offset[row] = end
            end += room[row]
    return fresh, ids, end


class NeighbourRows:
    """Rows that grow by doubling inside one array, and move when they outgrow their place."""

    def __init__(self, rows: int = 1024) -> None:
        self.offset = np.zeros(rows, np.int64)
        self.length = np.zeros(rows, np.int32)
        self.room = np.zeros(rows, np.int32)
        self.entries = np.zeros((4 * GROWTH_PER_EVENT, 3), np.int32)
        # The entries' items once more, side by side: to find one is most of the fold's work.
        self.ids = np.zeros(4 * GROWTH_PER_EVENT, np.int32)
        # Entries handed out, entries given up by rows that moved, and a place for what the kernel reads ahead.
        self.used = np.zeros(3, np.int64)

    def reserve(self, rows: int) -> None:
        """Make place for rows 0 to `rows` - 1."""
        if rows <= len(self.offset):
            return
        size = max(rows, 2 * len(self.offset))
        self.offset = grown(self.offset, size)
        self.length = grown(self.length, size)
        self.room = grown(self.room, size)

    def make_room(self) -> None:
        """Make place in the arena: gather the rows if much of it was given up, else double it."""
        used, given_up = int(self.used[0]), int(self.used[1])
        size = len(self.entries)
        if given_up * 2 < used or used - given_up + 2 * GROWTH_PER_EVENT > size // 2:
            size *= 2
        self.entries, self.ids, end = _gathered(size, self.entries, self.offset, self.room)
        self.used[:2] = (end, 0)

    def row(self, index: int) -> Array:
        """The entries of one row, [n, 3] int32 (a view)."""
        if index >= len(self.offset):
            return self.entries[:0]
        start = int(self.offset[index])
        return self.entries[start : start + int(self.length[index])]

    def put(self, index: int, data: bytes) -> None:
        """Set a row from its bytes (little-endian int32 triples)."""
        row = np.frombuffer(data, "<i4").reshape(-1, 3)
        if len(row) > self.room[index]:
            while int(self.used[0]) + len(row) + GROWTH_PER_EVENT > len(self.entries):
                self.make_room()
            self.used[1] += self.room[index]
            self.offset[index] = self.used[0]
            self.room[index] = len(row)
            self.used[0] += len(row)
        start = int(self.offset[index])
        self.entries[start : start + len(row)] = row
        self.ids[start : start + len(row)] = row[:, 0]
        self.length[index] = len(row)

    def clear(self, index: int) -> None:
        """Empty a row and give its place up."""
        self.used[1] += self.room[index]
        self.offset[index] = self.length[index] = self.room[index] = 0

    def many(self, indexes: Array) -> dict[int, bytes]:
        """The bytes of some rows, as `put` takes them, by index."""
        data = self.entries.astype("<i4", copy=False).data.cast("B")
        begins = ENTRY_BYTES * self.offset[indexes]
        ends = begins + ENTRY_BYTES * self.length[indexes]
        places = zip(indexes.tolist(), begins.tolist(), ends.tolist(), strict=True)
        return {index: bytes(data[begin:end]) for index, begin, end in places}


def grown(array: Array, size: int) -> Array:
    """`array` lengthened to `size` with zeros."""
    out = np.zeros((size, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out
