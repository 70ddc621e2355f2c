"""The item index as a serving process has it, usearch and faiss, behind the same few calls, each on one thread.

All three are HNSW graphs, with the product's M and ef_construction. Rows are numbers; `add` makes one row searchable,
with whatever the library has to do for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, Protocol

import faiss
import numpy as np
from usearch.index import Index as Usearch

from embedding_worker.graph import EF_CONSTRUCTION, M
from embedding_worker.index import ItemIndex
from embedding_worker.snapshot import save
from recommender.vectors import ItemVector, Vector
from serving.views.index_view import STEP_S
from serving.views.spaces import Spaces

SPACE = "clustered"


class Searched(Protocol):
    """An index of rows."""

    def build(self, vectors: Vector) -> None:
        """Take in rows 0 to n, before anybody asks."""

    def add(self, row: int, vector: Vector) -> None:
        """Make one more row searchable."""

    def search(self, query: Vector, k: int) -> Any:
        """The k nearest, in the library's own form."""

    def rows(self, found: Any) -> set[int]:
        """The rows of what `search` gave."""

    def effort(self, effort: int) -> None:
        """Set how many nodes a search keeps in hand."""

    def save(self, folder: Path) -> int:
        """Write the index into an empty folder; its bytes there."""


class Ours:
    """`ItemIndex` behind `Spaces`, as `IndexView` fills it: one vector at a time, checked.

    maintains: do the graph's share of the work after each `add`, on the same thread; a serving process has a thread
    for it (`upkeep`).
    """

    def __init__(self, dim: int, maintains: bool = True) -> None:
        self.maintains = maintains
        self._dim = dim
        self._spaces = Spaces()

    @property
    def index(self) -> ItemIndex:
        assert self._spaces.index is not None
        return self._spaces.index

    def take(self, row: int, vector: Vector) -> None:
        """What serving does with a record of `item-vectors`: the row is found from now on."""
        self._spaces.put(f"i{row}", ItemVector(vector, SPACE, SPACE, row))

    def take_all(self, vectors: Vector) -> None:
        for row, vector in enumerate(vectors):
            self.take(row, vector)

    def drain(self) -> None:
        """Have the graph take in all that waits for it (nothing, while fewer wait than its buffer holds)."""
        while self.index.maintain(1.0):
            pass

    def build(self, vectors: Vector) -> None:
        self.take_all(vectors)
        self.drain()

    def add(self, row: int, vector: Vector) -> None:
        self.take(row, vector)
        if self.maintains:
            self.index.maintain(0.0)

    def search(self, query: Vector, k: int) -> Any:
        return self.index.search(query, k)

    def rows(self, found: Any) -> set[int]:
        return {int(item_id[1:]) for item_id, _ in found}

    def effort(self, effort: int) -> None:
        raise NotImplementedError("the product's own setting is what is measured")

    def save(self, folder: Path) -> int:
        save(folder, self.index, SPACE, SPACE, {0: len(self.index)})
        return bytes_in(folder)

    @contextmanager
    def upkeep(self) -> Iterator[None]:
        """The graph is worked on aside meanwhile, in the steps and with the pauses of `IndexView`."""
        closed = Event()

        def run() -> None:
            while not closed.is_set():
                closed.wait(0.001 if self.index.maintain(STEP_S) else 0.05)

        thread = Thread(target=run, name="upkeep", daemon=True)
        thread.start()
        self.maintains = False
        try:
            yield
        finally:
            self.maintains = True
            closed.set()
            thread.join()


class UsearchPeer:
    """usearch; `dtype` is how it holds the numbers (its default where the processor can: bf16)."""

    def __init__(self, dim: int, dtype: str) -> None:
        # Its setters are not in its types.
        self._index: Any = Usearch(ndim=dim, metric="ip", dtype=dtype, connectivity=M, expansion_add=EF_CONSTRUCTION)

    def build(self, vectors: Vector) -> None:
        self._index.add(np.arange(len(vectors)), vectors, threads=1)

    def add(self, row: int, vector: Vector) -> None:
        self._index.add(row, vector, threads=1)

    def search(self, query: Vector, k: int) -> Any:
        return self._index.search(query, k, threads=1)

    def rows(self, found: Any) -> set[int]:
        return set(found.keys.tolist())

    def effort(self, effort: int) -> None:
        self._index.expansion_search = effort

    def save(self, folder: Path) -> int:
        self._index.save(str(folder / "usearch"))
        return bytes_in(folder)


class FaissPeer:
    """faiss' HNSW over float32."""

    def __init__(self, dim: int) -> None:
        faiss.omp_set_num_threads(1)
        self._index: Any = faiss.IndexHNSWFlat(dim, M, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = EF_CONSTRUCTION

    def build(self, vectors: Vector) -> None:
        self._index.add(vectors)

    def add(self, row: int, vector: Vector) -> None:
        assert row == self._index.ntotal, "its rows are numbered as they come"
        self._index.add(vector[None])

    def search(self, query: Vector, k: int) -> Any:
        return self._index.search(query[None], k)

    def rows(self, found: Any) -> set[int]:
        return set(found[1][0].tolist())

    def effort(self, effort: int) -> None:
        self._index.hnsw.efSearch = effort

    def save(self, folder: Path) -> int:
        faiss.write_index(self._index, str(folder / "faiss"))
        return bytes_in(folder)


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
