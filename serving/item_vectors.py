"""Item vectors by the reader's item numbers, without a look at an id for each item of each question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedding_worker.vector_index import Table, VectorIndex
from recommender.numbering import Array, Numbering, fitted
from recommender.vectors import Vector


@dataclass(frozen=True, slots=True)
class Located:
    """Where items' vectors lie: rows [n] of a matrix [rows, dim] that is the index's own, -1 for items without one."""

    matrix: Vector
    rows: Array

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which items have a vector, [n]."""
        return np.asarray(self.rows >= 0)

    def read(self) -> Vector:
        """The vectors, [n, dim]; those of items without one are zero."""
        vectors, known = np.zeros((len(self.rows), self.matrix.shape[1]), np.float32), self.known
        vectors[known] = self.matrix[self.rows[known]]
        return vectors


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
        self._unmet: Array = np.zeros(0, np.int64)
        self._met = self._turns = 0

    @property
    def index(self) -> VectorIndex | None:
        """The index in use; None where it holds nothing."""
        index = self._find()
        return index if index is not None and len(index) else None

    def of(self, index: VectorIndex, numbers: Array) -> Located:
        """Where the vectors of items are."""
        table = self._located(index.rows)
        self._row = fitted(self._row, int(numbers.max(initial=-1)) + 1, -1)
        rows = self._row[numbers]
        return Located(table.read(slice(None)), np.where(table.alive[rows], rows, -1))

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
        used, numbering = table.used, self._numbering
        if table is not self._table or numbering.turns > self._turns + 1:
            self._table, self._seen = table, 0
            self._number, self._row = np.zeros(0, np.int64), np.full(len(numbering), -1, np.int64)
            self._unmet = self._unmet[:0]
        elif numbering.turns != self._turns:
            self._let_go()
        self._turns = numbering.turns
        if used == self._seen and not (len(self._unmet) and self._met < numbering.given):
            return table
        self._number = fitted(self._number, used, -1)
        self._row = fitted(self._row, len(numbering), -1)
        fresh = np.arange(self._seen, used)
        if self._met < numbering.given:
            self._locate(np.concatenate((self._unmet, fresh)), table)
        else:
            before = self._unmet
            self._locate(fresh, table)
            self._unmet = np.concatenate((before, self._unmet))
        self._seen, self._met = used, numbering.given
        return table

    def _let_go(self) -> None:
        """Numbers were retired, once: none of them is another item's yet."""
        numbers = self._number[: self._seen]
        rows = np.flatnonzero((numbers >= 0) & ~self._numbering.used[numbers])
        self._row[numbers[rows]] = -1
        self._number[rows] = -1
        self._unmet = np.sort(np.concatenate((self._unmet, rows)), kind="stable")

    def _locate(self, rows: Array, table: Table) -> None:
        """Look rows up, the oldest first; `_unmet` are those of items not met yet."""
        ids = table.ids if len(rows) == len(table.ids) else [table.ids[row] for row in rows.tolist()]
        numbers = self._numbering.numbers(ids)
        met = numbers >= 0
        self._unmet = rows[~met & table.alive[rows]]
        rows, numbers = rows[met], numbers[met]
        self._number[rows] = numbers
        self._row[numbers] = rows  # of several of one item the last is the newest
