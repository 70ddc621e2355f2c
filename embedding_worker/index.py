"""The index of live items: HNSW for the many, an exact scan for the newest.

>>> index = ItemIndex(2); index.put("a", [1, 0]); index.put("b", [0, 1]); index.search([1, 2], 2)[0][0]
'b'
"""

from __future__ import annotations

import threading
import time
from typing import Final

import numpy as np

from embedding_worker.exact_index import ExactIndex
from embedding_worker.graph import Graph
from embedding_worker.rows import Nearest
from recommender.vectors import Vector

_STEP: Final = 2
"""Rows that the graph takes under one lock: a search waits for some .6 ms at most, eight took 1.2."""
_REBUILD_STEP: Final = 8
"""The same for a graph that is built anew, which has to overtake what is added meanwhile."""
_MORE: Final = 8
"""So many more are taken from the graph, which may miss one."""
_STEADY: Final = 1_000


class ItemIndex(ExactIndex):
    """`VectorIndex` with a graph; `put` only appends, so an item is found the moment it returns.

    Rows that the graph does not have are scanned. `maintain` moves them into the graph by short
    steps, each under the lock for some milliseconds, and builds a new graph aside when many rows
    are dead; call it from time to time from any one thread (or let `Upkeep` do so).

    Parameters
    ----------
    dim: width of the vectors.
    max_items: one more, and the item whose vector is the oldest leaves.
    exact_below: up to so many rows nothing but the scan is used.
    buffer: the graph takes rows once so many wait.
    """

    def __init__(self, dim: int, max_items: int = 200_000, exact_below: int = 2_000, buffer: int = 256) -> None:
        super().__init__(dim, max_items)
        self.exact_below = exact_below
        self.buffer = buffer
        self.rebuilds = 0
        self._draining = False
        # Room for the dead rows that gather before a new graph is worth its price.
        self._room = max_items + max_items // 4 + _STEADY
        self._graph = Graph(self._rows, self._room)
        self._next: Graph | None = None

    @property
    def waiting(self) -> int:
        """Rows that are scanned because the graph does not have them yet."""
        return self._graph.waiting

    def maintain(self, budget_s: float = 0.02) -> bool:
        """Work on the graph for about `budget_s` seconds; True if there is more to do."""
        until = time.monotonic() + budget_s
        while True:
            with self._lock:
                more = self._step()
            if not more or time.monotonic() >= until:
                return more
            # Without a pause this thread takes the lock again before a waiting search gets it.
            time.sleep(0.0002)

    def _step(self) -> bool:
        if self._next is not None:
            self._next.take(_REBUILD_STEP)
            if self._next.waiting <= self.buffer:
                self._graph, self._rows, self._next = self._next, self._next.rows, None
                self.rebuilds += 1
            return True
        if self._rows.dead > max(_STEADY, len(self._rows) // 4) or self._graph.full:
            self._next = Graph(self._rows.compacted(), self._room)
            return True
        if self._rows.used <= self.exact_below:
            return False
        self._draining = self._graph.waiting > (0 if self._draining else self.buffer)
        if self._draining:
            self._graph.take(_STEP)
        return self._draining

    def _append(self, item_id: str, vector: Vector) -> None:
        super()._append(item_id, vector)
        if self._next is not None:
            _, old = self._next.rows.append(item_id, vector)
            if old is not None:
                self._next.died(old)

    def _kill(self, item_id: str) -> bool:
        if self._next is not None:
            row = self._next.rows.kill(item_id)
            if row is not None:
                self._next.died(row)
        return super()._kill(item_id)

    def _died(self, row: int) -> None:
        self._graph.died(row)

    def _tidy(self) -> None:
        """Nothing to do: `maintain` builds aside what leaves the dead rows behind."""

    def _nearest(self, query: Vector, count: int) -> Nearest:
        rows, graph = self._rows, self._graph
        # Past a tenth of the graph a scan is faster than the walk.
        if len(rows) > self.exact_below and count + _MORE <= max(graph.live // 10, 64):
            near = graph.nearest(query, count + _MORE)
            if near is not None:
                newest, cosines = rows.nearest(query, count, (graph.reached, rows.used))
                return np.concatenate((near, newest)), np.concatenate((rows.read(near) @ query, cosines))
        return super()._nearest(query, count)


class Upkeep:
    """A thread that maintains an index until it is closed.

    pause_s: how long it rests when there is nothing to do.
    """

    def __init__(self, index: ItemIndex, pause_s: float = 0.05) -> None:
        self._index = index
        self._pause_s = pause_s
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index-upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            if not self._index.maintain():
                self._closed.wait(self._pause_s)
