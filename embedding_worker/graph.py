"""An HNSW graph over the first rows of a table, by hnswlib, kept away from what harms it.

The caller holds a lock around every call: adding and searching at once is not thread-safe in
hnswlib (#29, #100, #562, #590). Labels are row numbers and are never used twice; the graph never
grows past the room it was made with (resizing crashed): a larger one is built aside.
"""

from __future__ import annotations

from typing import Any, Final

import hnswlib
import numpy as np
from numpy.typing import NDArray

from embedding_worker.rows import Rows
from recommender.vectors import Vector

M: Final = 16
EF_CONSTRUCTION: Final = 100
EF: Final = 64


class Graph:
    """A table of rows and the graph over its rows 0 to `reached`; the rows after it are the buffer.

    room: how many rows the graph can take; what is not used yet costs some 50 bytes a row.
    """

    def __init__(self, rows: Rows, room: int) -> None:
        self.rows = rows
        self.room = max(room, rows.used)
        self.reached = 0
        self.live = 0
        # hnswlib has no types: everything that goes in or comes out is checked here.
        self._index: Any = hnswlib.Index(space="ip", dim=rows.dim)
        self._index.init_index(max_elements=self.room, M=M, ef_construction=EF_CONSTRUCTION, random_seed=1)
        self._index.set_num_threads(1)

    @property
    def waiting(self) -> int:
        """Rows that are searched by a scan because the graph does not have them yet."""
        return self.rows.used - self.reached

    @property
    def full(self) -> bool:
        """Is there no room for the rows that wait?"""
        return self.rows.used > self.room

    def take(self, count: int) -> int:
        """Add up to `count` waiting rows to the graph, dead ones are passed over; returns how many are done."""
        stop = min(self.reached + count, self.rows.used, self.room)
        rows = self.reached + np.flatnonzero(self.rows.alive[self.reached : stop])
        if rows.size:
            self._index.add_items(self.rows.read(rows), rows, num_threads=1)
            self.live += int(rows.size)
        done, self.reached = stop - self.reached, stop
        return done

    def died(self, row: int) -> None:
        """A row of the table died."""
        if row < self.reached:
            self._index.mark_deleted(row)
            self.live -= 1

    def nearest(self, query: Vector, count: int) -> NDArray[np.int64] | None:
        """About the `count` nearest live rows of the graph; None if the graph can't tell.

        hnswlib raises when it finds fewer than asked for (#321, #344): the caller scans then.
        """
        self._index.set_ef(max(EF, count + count // 2))
        try:
            labels, _ = self._index.knn_query(query[None, :], k=min(count, self.live), num_threads=1)
        except RuntimeError:
            return None
        rows = np.asarray(labels[0], np.int64)
        return np.asarray(rows[self.rows.alive[rows]], np.int64)
