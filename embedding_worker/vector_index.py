"""What an index of item vectors is; `ExactIndex` and `ItemIndex` are two, with one contract suite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recommender.vectors import Vector

Keep = Callable[[str], bool]
Hits = list[tuple[str, float]]


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

    def vector(self, item_id: str) -> Vector | None:
        """An item's vector, float32 [dim] of length one, or None."""

    def vectors(self, item_ids: Sequence[str]) -> tuple[Vector, NDArray[np.bool_]]:
        """Rows [n, dim] for the ids, and which of them are known; unknown ones are zero."""

    def export(self) -> tuple[list[str], NDArray[np.float16]]:
        """Ids and vectors [n, dim] of all live items at one moment, oldest first."""
