"""Neighbour rows of items in one arena: (item index, C, T) triples of int32, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np

from online_models.kernels import GROWTH_PER_EVENT

Array = np.ndarray[Any, Any]


class NeighbourRows:
    """Rows that grow by doubling inside one array, and move when they outgrow their place."""

    def __init__(self, rows: int = 1024) -> None:
        self.offset = np.zeros(rows, np.int64)
        self.length = np.zeros(rows, np.int32)
        self.room = np.zeros(rows, np.int32)
        self.entries = np.zeros((4 * GROWTH_PER_EVENT, 3), np.int32)
        self.used = np.zeros(2, np.int64)  # entries handed out, entries given up by rows that moved

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
        entries = np.zeros((size, 3), np.int32)
        end = 0
        for row in np.flatnonzero(self.room):
            start, room = int(self.offset[row]), int(self.room[row])
            entries[end : end + room] = self.entries[start : start + room]
            self.offset[row] = end
            end += room
        self.entries = entries
        self.used[:] = (end, 0)

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
        self.length[index] = len(row)

    def clear(self, index: int) -> None:
        """Empty a row and give its place up."""
        self.used[1] += self.room[index]
        self.offset[index] = self.length[index] = self.room[index] = 0

    def get(self, index: int) -> bytes:
        """The bytes of a row, as `put` takes them."""
        return self.row(index).astype("<i4", copy=False).tobytes()


def grown(array: Array, size: int) -> Array:
    """`array` lengthened to `size` with zeros."""
    out = np.zeros((size, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out
