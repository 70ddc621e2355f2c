"""Items' vectors of one space: their mean, what each is near to, and how near they are to what a user took.

>>> space = VectorSpace()
>>> for item, vector in enumerate(([1.0, 0.0], [0.9, 0.1], [0.0, 1.0])):
...     space.put(item, np.array(vector))
>>> likeness = space.likeness(np.array([0]), np.array([0, 1, 2, 3]))
>>> np.argsort(-likeness[:3, 0]).tolist(), likeness[3].tolist()
([0, 1, 2], [0.0, 0.0, 0.0])
>>> space.near(np.array([0]), 1).tolist()
[1]
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.neighbours import grown
from online_models.state import State

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Indexes = npt.NDArray[np.int64]
Array = np.ndarray[Any, Any]

LONG, SHORT = 20, 3
"""How many of the newest items make up a user's long- and short-term interest."""
LAST: Final = 5
"""Among so many of the newest items the nearest one is looked for."""
NEAR: Final = 20
"""How many neighbours are kept of an item."""
NEARLY: Final = 6e-4
"""A length so near to 1 is 1 but for float16's rounding: such a vector keeps its bits, as everywhere else."""
COMPARED: Final = 20_000
"""A new vector is compared with so many of the newest: what it costs is bounded."""


@njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
def _dot(a: Vectors, b: Vectors) -> float:
    total = np.float32(0.0)
    for k in range(len(a)):
        total += a[k] * b[k]
    return float(total)


@njit(cache=True)
def likeness_of(vectors: Vectors, rows: Indexes, ring: Vectors, mean: Floats) -> Floats:
    """Cosines of some items to a user's interests, [n, 3]: long term, short term, nearest of the last items.

    Parameters
    ----------
    vectors, rows
        Unit vectors [rows, dim], and the row of each item [n], -1 where it has none.
    ring
        Unit vectors of the user's newest items that have one, newest first, [m, dim].
    mean
        The mean item vector: taken off the interests before they are compared. (With it in, every user is mostly
        alike: taking it off gained 37 to 78 % on items without events.) The nearest is by plain cosines.
    """
    out = np.zeros((len(rows), 3))
    if len(ring) == 0:
        return out
    interests = np.zeros((2, len(mean)), np.float32)
    for at, most in enumerate((LONG, SHORT)):
        m = min(most, len(ring))
        interest = -mean * m
        for d in range(m):
            for k in range(len(mean)):
                interest[k] += ring[d, k]
        length = np.sqrt((interest * interest).sum())
        if length > 1e-9:
            for k in range(len(mean)):
                interests[at, k] = interest[k] / length
    for j in range(len(rows)):
        if rows[j] < 0:
            continue
        vector = vectors[rows[j]]
        out[j, 0] = _dot(interests[0], vector)
        out[j, 1] = _dot(interests[1], vector)
        nearest = -1.0
        for d in range(min(LAST, len(ring))):
            nearest = max(nearest, _dot(ring[d], vector))
        out[j, 2] = nearest
    return out


@njit(cache=True)
def _insert(item: int, other: int, cosine: float, near: Array, close: Vectors) -> None:
    """Put `other` among an item's neighbours, nearest first, if it is nearer than the last of them."""
    at = near.shape[1] - 1
    if cosine <= close[item, at]:
        return
    for k in range(near.shape[1]):
        if near[item, k] == other:  # it was there with an earlier vector
            at = k
    while at > 0 and close[item, at - 1] < cosine:
        near[item, at], close[item, at] = near[item, at - 1], close[item, at - 1]
        at -= 1
    near[item, at], close[item, at] = other, cosine


@njit(cache=True)
def _introduce(item: int, first: int, end: int, vectors: Vectors, has: Array, near: Array, close: Vectors) -> None:
    """Fill an item's neighbours, and let it be a neighbour of others where it is nearer than theirs."""
    near[item] = -1
    close[item] = -2.0
    for other in range(first, end):
        if other != item and has[other]:
            cosine = _dot(vectors[item], vectors[other])
            _insert(item, other, cosine, near, close)
            _insert(other, item, cosine, near, close)


class VectorSpace:
    """Unit vectors by item index, rounded to float16 as they are served: so their sum has no rounding at all."""

    def __init__(self) -> None:
        self._vectors: Vectors = np.zeros((0, 0), np.float32)
        self._has = np.zeros(0, np.bool_)
        self._near = np.zeros((0, NEAR), np.int64)
        self._close: Vectors = np.zeros((0, NEAR), np.float32)
        self._sum = np.zeros(0)
        self._count = 0
        self._end = 0

    def unit(self, vector: npt.ArrayLike) -> Floats:
        """`vector` [dim] at length 1.

        Raises
        ------
        ValueError
            If it is not finite, is zero, or has another length than those before it.
        """
        values = np.asarray(vector, np.float64)
        if values.ndim != 1 or not np.isfinite(values).all() or not values.any():
            raise ValueError("a vector must be a row of finite numbers, not all 0")
        if len(self._sum) not in {0, len(values)}:
            raise ValueError(f"a vector must have {len(self._sum)} numbers like those before it, got {len(values)}")
        largest = np.abs(values).max()  # so that no square overflows
        length = largest * np.sqrt(((values / largest) ** 2).sum())
        if abs(length - 1.0) >= NEARLY:
            values = values / largest
            values = values / np.sqrt((values * values).sum())
        return np.asarray(values)

    def put(self, item: int, vector: npt.ArrayLike) -> None:
        """Set an item's vector [dim], of any length; raises ValueError as `unit` does."""
        values = self.unit(vector).astype(np.float16).astype(np.float32)
        if not len(self._sum):
            self._sum = np.zeros(len(values))
        self._reserve(item + 1, len(values))
        if self._has[item]:
            self._sum -= self._vectors[item]
        self._count += not self._has[item]
        self._vectors[item] = values
        self._sum += self._vectors[item]
        self._has[item] = True
        self._end = max(self._end, item + 1)
        first = max(0, self._end - COMPARED)
        _introduce(item, first, self._end, self._vectors, self._has, self._near, self._close)

    def _reserve(self, items: int, width: int) -> None:
        if items <= len(self._has):
            return
        size = max(1024, items, 2 * len(self._has))
        if not len(self._has):
            self._vectors = np.zeros((0, width), np.float32)
            self._near, self._close = self._near[:0], self._close[:0]
        self._vectors, self._has = grown(self._vectors, size), grown(self._has, size)
        self._near, self._close = grown(self._near, size), grown(self._close, size)

    def __len__(self) -> int:
        return self._count

    def has(self, items: Indexes) -> Array:
        """Which items have a vector, [n]."""
        if not self._end:
            return np.zeros(len(items), np.bool_)
        return np.asarray((items < self._end) & self._has[np.minimum(items, self._end - 1)])

    def likeness(self, ring: Indexes, items: Indexes) -> Floats:
        """`likeness_of` items to a user's ring (indexes, newest first), [n, 3]; 0 without a vector."""
        liked = ring[self.has(ring)][:LONG]
        if not len(liked):
            return np.zeros((len(items), 3))
        rows = np.where(self.has(items), items, -1)
        return np.asarray(likeness_of(self._vectors, rows, self._vectors[liked], self.mean))

    @property
    def mean(self) -> Floats:
        """The mean vector, [dim], rounded to float32."""
        return (self._sum / max(1, self._count)).astype(np.float32).astype(np.float64)

    def near(self, items: Indexes, most: int = NEAR) -> Indexes:
        """The `most` nearest of each of some items, all together."""
        held = items[self.has(items)]
        if not len(held):
            return np.zeros(0, np.int64)
        found = self._near[held, :most].ravel()
        return np.asarray(found[found >= 0])

    def state_dict(self, items: int) -> State:
        """The vectors of items 0 to `items` - 1 that have one, with their neighbours, and their sum."""
        held = np.flatnonzero(self._has[:items])
        return {
            "items": held,
            "vectors": self._vectors[held],
            "near": self._near[held],
            "close": self._close[held],
            "sum": self._sum.copy(),
        }

    def load_state(self, state: State) -> None:
        """Take the vectors over."""
        items = state["items"]
        self._has = np.zeros(0, np.bool_)
        self._end = self._count = 0
        self._sum = state["sum"].copy()
        if not len(items):
            return
        self._end, self._count = int(items.max()) + 1, len(items)
        self._reserve(self._end, state["vectors"].shape[1])
        for name in ("vectors", "near", "close"):
            getattr(self, f"_{name}")[items] = state[name]
        self._has[items] = True
