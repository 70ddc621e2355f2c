"""An index that compares the query with every item: right by construction, and fast up to some 20,000 items.

>>> index = ExactIndex(2); index.put("a", [1, 0]); index.put("b", [0, 2]); index.search([3, 1], 1)[0][0]
'a'
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedding_worker.rows import Nearest, Rows, ranked
from embedding_worker.vector_index import Hits, Keep
from recommender.vectors import Vector, check_vector


class ExactIndex:
    """`VectorIndex` by an exact scan; numpy only. The base of `ItemIndex`, which adds a graph to it.

    max_items bounds it: one more, and the item whose vector is the oldest leaves (`evicted` counts).
    """

    def __init__(self, dim: int, max_items: int = 200_000) -> None:
        if dim < 1 or max_items < 1:
            raise ValueError(f"dim and max_items are at least 1, got {dim} and {max_items}")
        self.max_items = max_items
        self.evicted = 0
        self._rows = Rows(dim)
        # One writer at a time, and no search while it writes.
        self._lock = threading.RLock()

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self._rows.dim

    @property
    def mean(self) -> Vector:
        """The mean of the live vectors, float32 [dim]; zeros while there are none."""
        with self._lock:
            return self._rows.mean.value

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._rows.row_of

    def put(self, item_id: str, vector: ArrayLike) -> None:
        """Add or change one item; found by the next search. Raises `BadVectorError`."""
        checked = check_vector(vector, self.dim)
        with self._lock:
            self._put(item_id, checked)

    def put_many(self, items: Iterable[tuple[str, ArrayLike]]) -> None:
        """`put` for several: all are checked before the first is taken."""
        checked = [(item_id, check_vector(vector, self.dim)) for item_id, vector in items]
        for item_id, vector in checked:
            with self._lock:
                self._put(item_id, vector)

    def remove(self, item_id: str) -> bool:
        """Take an item out; False if it was not there."""
        with self._lock:
            known = self._kill(item_id)
            self._tidy()
            return known

    def search(
        self, query: ArrayLike, k: int, keep: Keep | None = None, exclude: Collection[str] = frozenset()
    ) -> Hits:
        """The k nearest as (item_id, cosine), best first, ties by id; see `VectorIndex.search`."""
        checked = check_vector(query, self.dim)
        with self._lock:
            return self._search(checked, k, keep, exclude) if k > 0 else []

    @property
    def rows(self) -> Rows:
        """The table of vectors in use; another one, in the same order, once many of its rows are dead."""
        return self._rows

    def nearest(self, query: ArrayLike, count: int) -> tuple[Rows, Nearest]:
        """At least `count` nearest rows of a table, if it has so many, in no order; see `VectorIndex.nearest`."""
        checked = check_vector(query, self.dim)
        with self._lock:
            return self._rows, self._nearest(checked, count)

    def vector(self, item_id: str) -> Vector | None:
        """An item's vector, float32 [dim], or None."""
        with self._lock:
            row = self._rows.row_of.get(item_id)
            return None if row is None else self._rows.read([row])[0]

    def vectors(self, item_ids: Sequence[str]) -> tuple[Vector, NDArray[np.bool_]]:
        """Rows [n, dim] for the ids, and which of them are known; unknown ones are zero."""
        matrix = np.zeros((len(item_ids), self.dim), np.float32)
        with self._lock:
            rows = np.array([self._rows.row_of.get(item_id, -1) for item_id in item_ids], np.int64)
            known = rows >= 0
            matrix[known] = self._rows.read(rows[known])
        return matrix, known

    def export(self) -> tuple[list[str], NDArray[np.float16]]:
        """Ids and vectors [n, dim] of all live items at one moment, oldest first."""
        with self._lock:
            return self._rows.export()

    def _put(self, item_id: str, vector: Vector) -> None:
        self._append(item_id, vector)
        while len(self._rows) > self.max_items:
            self._kill(self._rows.oldest())
            self.evicted += 1
        self._tidy()

    def _append(self, item_id: str, vector: Vector) -> None:
        _, old = self._rows.append(item_id, vector)
        if old is not None:
            self._died(old)

    def _kill(self, item_id: str) -> bool:
        row = self._rows.kill(item_id)
        if row is not None:
            self._died(row)
        return row is not None

    def _search(self, query: Vector, k: int, keep: Keep | None, exclude: Collection[str]) -> Hits:
        ids, count = self._rows.ids, k + min(len(exclude), 4 * k + 64)
        while True:
            rows, scores = self._nearest(query, count)
            hits = zip((ids[row] for row in rows.tolist()), scores.tolist(), strict=True)
            taken = ranked(hits, keep, exclude)
            if len(taken) >= k or count >= len(self._rows):
                return taken[:k]
            count *= 4

    def _nearest(self, query: Vector, count: int) -> Nearest:
        return self._rows.nearest(query, count, (0, self._rows.used))

    def _died(self, row: int) -> None:
        """A row died; a graph over the rows wants to know."""

    def _tidy(self) -> None:
        """Leave the dead rows behind when they are many: memory stays within twice the live rows."""
        if self._rows.dead > max(1_000, len(self._rows)):
            self._rows = self._rows.compacted()
