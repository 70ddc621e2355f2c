"""Ranking: a score is a sum of named parts, and whatever moves an item in a list is one of them.

>>> scored = Scored(["a", "b"], ("covisit",), np.array([[1.0], [2.0]]))
>>> leading(scored, 2).tolist(), scored.total.tolist()
([1, 0], [1.0, 2.0])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from recommender.calibration import Calibrating, Capped
from recommender.numbering import Array

Floats = npt.NDArray[np.float64]

POOL: Final = 5
MAX_POOL: Final = 200
MOST: Final = 2.0


class Scored:
    """Candidates with the parts of their scores: ids [n], names [F], values [n, F].

    likeness: cosine to the user's long-term interest, [n], if there is one. worn: how worn each is for the user, [n],
    if any is. base: so many of the first parts say how well an item fits; what is added to them does not count as
    evidence.
    """

    def __init__(
        self, ids: Sequence[str], names: tuple[str, ...], values: Floats, likeness: Floats | None = None
    ) -> None:
        self.ids = ids
        self.names = names
        self.values = values
        self.likeness = likeness
        self.worn: Floats | None = None
        self.base = len(names)
        self._total: Floats | None = None

    @property
    def total(self) -> Floats:
        """The scores, [n]: each row's own sum, whatever other rows there are. Not to be written to."""
        if self._total is None:
            self._total = np.asarray(self.values.sum(axis=1))
        return self._total

    def rows(self, places: Array, decimals: int) -> list[list[float]]:
        """The parts of some candidates, each row's in the order of the names, rounded as `numpy.round` does."""
        rows: list[list[float]] = _rounded(self.values, places, 10.0**decimals).tolist()
        return rows

    def add(self, name: str, values: Floats) -> None:
        """Another part, [n]."""
        self._total = self.total + values
        self.names = (*self.names, name)
        joined = np.empty((len(values), len(self.names)), order="F")
        joined[:, :-1], joined[:, -1] = self.values, values
        self.values = joined


def leading(scored: Scored, n: int) -> Array:
    """Places of the `n` best, best first, ties by id."""
    return _by_id(scored, *_leading(scored.total, n))[:n]


def rerank(
    scored: Scored,
    pool: Array,
    n: int,
    diverse: Diverse | None = None,
    calibrating: Calibrating | None = None,
    capped: Capped | None = None,
) -> Array:
    """The `n` items of a pool that make the best list together; what each pays for the others becomes a part.

    Again and again the item is taken whose score with what it pays is largest, ties by id. What items pay only grows as
    the list does, so the list is in the order of the final scores. A cap leaves items out, which makes the list
    shorter where there is nothing else.

    Parameters
    ----------
    scored
        All candidates; gets the parts `diversity` and `calibration` where these are asked for.
    pool
        Places of the candidates that may be taken, [p].

    Returns
    -------
    The places of the list, best first.
    """
    total = scored.total[pool]
    ids = [scored.ids[place] for place in pool.tolist()]
    mixing = np.zeros(len(pool))
    free = np.ones(len(pool), np.bool_)
    taken: list[int] = []
    while len(taken) < min(n, len(pool)):
        if calibrating is not None:
            mixing = np.where(free, calibrating.worth(), mixing)
        usable = free & ~capped.blocked() if capped is not None else free
        if not usable.any():
            break
        worth = np.where(usable, total - (diverse.price if diverse is not None else 0.0) + mixing, -np.inf)
        place = min(np.flatnonzero(worth == worth.max()).tolist(), key=lambda at: ids[at])
        taken.append(place)
        free[place] = False
        for each in (diverse, calibrating, capped):
            if each is not None:
                each.take(place)
    if diverse is not None:
        scored.add("diversity", _spread(-diverse.price, pool, len(scored.ids)))
    if calibrating is not None:
        scored.add("calibration", _spread(mixing, pool, len(scored.ids)))
    return pool[np.array(taken, np.int64)] if taken else pool[:0]


class Diverse:
    """What items pay for being like those that a list has already.

    Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): an item pays for its likeness to the nearest item
    taken before. Likeness is counted from the least alike pair of the pool (0) to the same item (1), since encoders
    differ in how far apart they keep things; at dial 1 it costs up to twice the pool's range of scores.

    Parameters
    ----------
    similarity
        [p, p] likeness of the pool's items, -1 to 1.
    dial
        0 (no difference) to 1.
    width
        The range of the pool's scores.
    """

    def __init__(self, similarity: Floats, dial: float, width: float) -> None:
        least = float(similarity.min()) if similarity.size else 0.0
        likeness = np.maximum(similarity - least, 0.0) / max(1.0 - least, 1e-9)
        self._likeness = likeness * (MOST * dial * max(width, 1e-9))
        self.price: Floats = np.zeros(len(similarity))
        self._free = np.ones(len(similarity), np.bool_)

    def take(self, place: int) -> None:
        """The item at a place is in the list now."""
        self._free[place] = False
        self.price = np.where(self._free, np.maximum(self.price, self._likeness[:, place]), self.price)


def _spread(values: Floats, pool: Array, size: int) -> Floats:
    out = np.zeros(size)
    out[pool] = values
    return out


def seekers(scored: Scored, usable: Array, listed: Array, seats: int) -> Array:
    """Places, best first, of those among the `usable` [n] that may have one of a list's last seats.

    Where there are fewer than seats, fewer seats are given: more of the list stays, and what stays needs none. Then as
    many places are left as there are seats.
    """
    return _by_id(scored, *_seekers(scored.total, usable, listed, seats))


def give_seats(scored: Scored, listed: Array, places: Array, part: str) -> Array:
    """Let candidates have the last seats of a list, the first of `places` the best of these: a part, positive or not.

    The score of each then equals the one of the item that it displaces. Returns the places of the new list.
    """
    seated, rise = _seated(scored.total, listed, places)
    scored.add(part, rise)
    return np.asarray(seated)


def in_order(scored: Scored, listed: Array) -> Array:
    """Places by their final scores, ties by id: the last rounding must not show as disorder."""
    return _by_id(scored, *_ordered(scored.total, listed))


def _by_id(scored: Scored, ordered: Array, tied: bool) -> Array:
    """Places in the order of their scores, and if some are `tied`, these by id."""
    if tied:
        ids, places = scored.ids, ordered.tolist()
        keyed = zip((-scored.total[ordered]).tolist(), [ids[place] for place in places], places, strict=True)
        return np.array([place for _, _, place in sorted(keyed)], np.int64)
    return np.asarray(ordered)


def width(scored: Scored, pool: Array) -> float:
    """The range of the scores of a pool; 0 of an empty one."""
    return float(np.ptp(scored.total[pool])) if len(pool) else 0.0


def pool_size(n: int) -> int:
    """How many of the best candidates diversity chooses among."""
    return min(MAX_POOL, POOL * n)


@njit(cache=True)
def _leading(total: Floats, n: int) -> tuple[Array, bool]:
    """Places of the `n` best and of all that are as good as the last of these, as `_ordered` gives them."""
    if n >= len(total):
        return _ordered(total, np.arange(len(total)))
    best = np.full(n, -np.inf)
    for score in total:
        if score > best[-1]:
            at = n - 1
            while at > 0 and score > best[at - 1]:
                best[at] = best[at - 1]
                at -= 1
            best[at] = score
    return _ordered(total, np.flatnonzero(total >= best[-1]))


@njit(cache=True)
def _seekers(total: Floats, usable: Array, listed: Array, seats: int) -> tuple[Array, bool]:
    free = usable.copy()
    while True:
        free[listed[: len(listed) - seats]] = False
        found = int(np.count_nonzero(free))
        if found >= seats:
            return _ordered(total, np.flatnonzero(free))
        seats = found


@njit(cache=True)
def _seated(total: Floats, listed: Array, places: Array) -> tuple[Array, Floats]:
    """A list whose last places are others, and by how much each candidate's score rises for that, [n]."""
    seated, rise, kept = listed.copy(), np.zeros(len(total)), len(listed) - len(places)
    for at, place in enumerate(places):
        seated[kept + at] = place
        rise[place] = total[listed[kept + at]] - total[place]
    return seated, rise


@njit(cache=True)
def _ordered(total: Floats, places: Array) -> tuple[Array, bool]:
    """Places by their scores, best first, and whether two of them have the same."""
    ordered = places[np.argsort(-total[places])]
    tied = False
    for at in range(1, len(ordered)):
        tied |= total[ordered[at]] == total[ordered[at - 1]]
    return ordered, tied


@njit(cache=True)
def _rounded(values: Floats, places: Array, unit: float) -> Floats:
    out = np.empty((len(places), values.shape[1]))
    for row in range(len(places)):
        for part in range(values.shape[1]):
            out[row, part] = np.rint(values[places[row], part] * unit) / unit
    return out
