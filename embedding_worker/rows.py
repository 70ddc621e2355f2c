"""The vectors themselves: rows that are only ever appended, and marked dead when an item changes or goes.

A row's number stays the same for the life of the table, so a graph over the rows can use it as
its label and never reuses one (reused labels gave duplicates in hnswlib: #487, #541).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from embedding_worker.vector_index import Hits, Keep
from recommender.vectors import RunningMean, Vector

_CHUNK: Final = 8_192
_FIRST: Final = 256
_DEAD: Final = np.float32(-1e30)
"""Below every cosine."""

Nearest = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Rows and their cosines, [n] each."""
NOTHING: Final[Nearest] = (np.zeros(0, np.int64), np.zeros(0, np.float32))


class Rows:
    """Vectors by row, ids, which rows are alive, and the running mean of those.

    Numbers are rounded to float16, as on the topic, in Redis and in a snapshot, so that a result
    does not depend on the way a vector came; they are held as float32, because a scan that has
    to convert first takes five times as long (20 against 4 ms for 20,000 x 512).
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.used = 0
        self.row_of: dict[str, int] = {}
        self.ids: list[str] = []
        self.alive: NDArray[np.bool_] = np.zeros(_FIRST, np.bool_)
        self.mean = RunningMean(dim)
        self._matrix: Vector = np.zeros((_FIRST, dim), np.float32)
        self._oldest = 0

    def __len__(self) -> int:
        return len(self.row_of)

    @property
    def dead(self) -> int:
        """Rows that hold nothing alive."""
        return self.used - len(self.row_of)

    def append(self, item_id: str, vector: Vector) -> tuple[int, int | None]:
        """A new row for the item; returns its number and the number of the row that it replaces."""
        if self.used == len(self._matrix):
            self._grow()
        row, rounded = self.used, vector.astype(np.float16).astype(np.float32)
        old = self.kill(item_id)
        self._matrix[row] = rounded
        self.alive[row] = True
        self.ids.append(item_id)
        self.row_of[item_id] = row
        self.used += 1
        self.mean.add(rounded)
        return row, old

    def kill(self, item_id: str) -> int | None:
        """The item's row dies; returns its number, None if there was none."""
        row = self.row_of.pop(item_id, None)
        if row is not None:
            self.alive[row] = False
            self.mean.remove(self._matrix[row])
        return row

    def oldest(self) -> str:
        """The live item whose vector is the oldest."""
        while not self.alive[self._oldest]:
            self._oldest += 1
        return self.ids[self._oldest]

    def read(self, rows: Sequence[int] | NDArray[np.int64] | slice) -> Vector:
        """Rows [n, dim], of length one up to float16's rounding; a slice is a view."""
        return self._matrix[: self.used][rows]

    def export(self) -> tuple[list[str], NDArray[np.float16]]:
        """Ids and vectors of the live rows, in row order."""
        rows = np.flatnonzero(self.alive[: self.used])
        return [self.ids[row] for row in rows], self._matrix[rows].astype(np.float16)

    def compacted(self) -> Rows:
        """The live rows as a table of their own, in the same order, with a freshly summed mean."""
        fresh = Rows(self.dim)
        ids, matrix = self.export()
        fresh._matrix = np.zeros((len(ids) + _FIRST, self.dim), np.float32)
        fresh._matrix[: len(ids)] = matrix
        fresh.alive = np.arange(len(fresh._matrix)) < len(ids)
        fresh.ids, fresh.used = ids, len(ids)
        fresh.row_of = {item_id: row for row, item_id in enumerate(ids)}
        for low in range(0, len(ids), _CHUNK):
            fresh.mean.add_all(matrix[low : low + _CHUNK])
        return fresh

    def scores(self, query: Vector, start: int, stop: int) -> NDArray[np.float32]:
        """The cosine of rows start to stop with the query; dead rows have -inf."""
        scores = np.asarray(self.read(slice(start, stop)) @ query, np.float32)
        scores[~self.alive[start:stop]] = -np.inf
        return scores

    def nearest(self, query: Vector, count: int, span: tuple[int, int]) -> Nearest:
        """The `count` nearest of the live rows of a span (start, stop) by an exact scan, with all that are as near as
        the last one; in no order.
        """
        start, stop = span
        if count <= 0 or stop <= start:
            return NOTHING
        scores = self.scores(query, start, stop)
        if count < scores.size:
            # Everything as good as the last one belongs in, or ties would go by row.
            floor = np.partition(scores, scores.size - count)[scores.size - count]
            places = np.flatnonzero(scores >= max(floor, _DEAD))
        else:
            places = np.flatnonzero(scores >= _DEAD)
        return places + start, scores[places]

    def _grow(self) -> None:
        size = 2 * len(self._matrix)
        matrix = np.zeros((size, self.dim), np.float32)
        matrix[: self.used] = self._matrix
        alive = np.zeros(size, np.bool_)
        alive[: self.used] = self.alive
        self._matrix, self.alive = matrix, alive


def ranked(hits: Iterable[tuple[str, float]], keep: Keep | None, exclude: Collection[str]) -> Hits:
    """The hits that may be taken, best first, ties by id."""
    return sorted(
        (hit for hit in hits if hit[0] not in exclude and (keep is None or keep(hit[0]))),
        key=lambda hit: (-hit[1], hit[0]),
    )
