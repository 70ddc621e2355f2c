"""Item vectors by the reader's item numbers, without a look at an id for each item of each question."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from embedding_worker.vector_index import Table, VectorIndex
from recommender.numbering import Array, Numbering, fitted
from recommender.vectors import Vector

Vectors = tuple[Vector, npt.NDArray[np.bool_]]
"""Items' vectors [n, dim], and which of them have one [n]."""


class ItemVectors:
    """The index in use, asked by number. One thread at a time.

    Parameters
    ----------
    index
        Gives the index in use, which may be another one at each question; None: there are no vectors.
    """

    def __init__(self, numbering: Numbering, index: Callable[[], VectorIndex | None]) -> None:
        self._numbering = numbering
        self._find = index
        self._table: Table | None = None
        self._seen = 0
        self._number: Array = np.zeros(0, np.int64)
        self._row: Array = np.zeros(0, np.int64)
        self._unmet: dict[int, None] = {}
        self._met = 0

    @property
    def index(self) -> VectorIndex | None:
        """The index in use; None where it holds nothing."""
        index = self._find()
        return index if index is not None and len(index) else None

    def of(self, index: VectorIndex, numbers: Array) -> Vectors:
        """The vectors of items; those of items without one are zero."""
        table = self._located(index.rows)
        if not len(numbers):
            return np.zeros((0, index.dim), np.float32), np.zeros(0, np.bool_)
        self._row = fitted(self._row, int(numbers.max()) + 1, -1)
        rows = self._row[numbers]
        known = (rows >= 0) & table.alive[rows]
        if known.all():
            return table.read(rows), known
        matrix = np.zeros((len(numbers), index.dim), np.float32)
        matrix[known] = table.read(rows[known])
        return matrix, known

    def nearest(self, index: VectorIndex, vector: Vector, count: int) -> Array:
        """The numbers of the nearest items, best first; ties by the ids' hash. More than `count`, if they are there."""
        table, (rows, cosines) = index.nearest(vector, count)
        self._located(table)
        numbers = self._number[rows]
        met = numbers >= 0
        numbers, cosines = numbers[met], cosines[met]
        return np.asarray(numbers[np.lexsort((self._numbering.tie[numbers], -cosines))])

    def _located(self, table: Table) -> Table:
        """Know the number of each row, and the newest row of each number."""
        used = table.used
        if table is not self._table:
            self._table, self._seen = table, 0
            self._number, self._row = np.zeros(0, np.int64), np.full(len(self._numbering), -1, np.int64)
            self._unmet.clear()
        if used == self._seen and not (self._unmet and self._met < len(self._numbering)):
            return table
        self._number = fitted(self._number, used, -1)
        again = list(self._unmet) if self._met < len(self._numbering) else []
        self._row = fitted(self._row, len(self._numbering), -1)
        for row in (*again, *range(self._seen, used)):
            number = self._numbering.find(table.ids[row])
            if number is None:
                self._unmet[row] = None
                continue
            self._unmet.pop(row, None)
            self._number[row] = number
            self._row[number] = max(row, self._row[number])
        self._seen, self._met = used, len(self._numbering)
        return table
