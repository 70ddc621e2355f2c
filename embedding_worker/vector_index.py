"""What an index of item vectors is; `ExactIndex` and `ItemIndex` are two, with one contract suite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recommender.vectors import Vector

Keep = Callable[[str], bool]
Hits = list[tuple[str, float]]


class Table(Protocol):
    """Vectors by row. A row stays what it is until it dies; an item that changes has a new row, at the end.

    used: how many rows there are; ids: the item of each; alive: which still count, [at least `used`].
    """

    used: int
    ids: list[str]
    alive: NDArray[np.bool_]

    def read(self, rows: NDArray[np.int64] | slice) -> Vector:
        """Rows [n, dim]; a slice is a view, not to be written to."""


class VectorIndex(Protocol):
    """Live item vectors, searched by cosine. Safe to use from several threads."""

    @property
    def dim(self) -> int:
        """Width of the vectors."""

    @property
    def mean(self) -> Vector:
        """The mean of the live vectors, float32 [dim]; zeros while there are none."""

    def __len__(self) -> int: ...

    def __contains__(self, item_id: object) -> bool: ...

    def put(self, item_id: str, vector: ArrayLike) -> None:
        """Add or change one item; found by the next search. Raises `BadVectorError`."""

    def put_many(self, items: Iterable[tuple[str, ArrayLike]]) -> None:
        """`put` for several: all are checked before the first is taken."""

    def remove(self, item_id: str) -> bool:
        """Take an item out; False if it was not there."""

    def search(
        self, query: ArrayLike, k: int, keep: Keep | None = None, exclude: Collection[str] = frozenset()
    ) -> Hits:
        """The k nearest as (item_id, cosine), best first, ties by id; fewer only if fewer may be taken.

        Only items for which `keep(item_id)` is true and that are not in `exclude` count.
        Raises `BadVectorError` for a query that is zero, not finite or of another width.
        """

    @property
    def rows(self) -> Table:
        """The table of vectors in use; another one, in the same order, once many of its rows are dead."""

    def nearest(self, query: ArrayLike, count: int) -> tuple[Table, tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """The nearest live rows of a table with their cosines, [n] each, in no order: `search` without ids.

        At least `count` of them, if there are so many. Raises `BadVectorError`.
        """

    def vector(self, item_id: str) -> Vector | None:
        """An item's vector, float32 [dim] of length one, or None."""

    def vectors(self, item_ids: Sequence[str]) -> tuple[Vector, NDArray[np.bool_]]:
        """Rows [n, dim] for the ids, and which of them are known; unknown ones are zero."""

    def export(self) -> tuple[list[str], NDArray[np.float16]]:
        """Ids and vectors [n, dim] of all live items at one moment, oldest first."""
