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

    def add(self, name: str, values: Floats) -> None:
        """Another part, [n]."""
        self._total = self.total + values
        self.names = (*self.names, name)
        joined = np.empty((len(values), len(self.names)), order="F")
        joined[:, :-1], joined[:, -1] = self.values, values
        self.values = joined


def leading(scored: Scored, n: int) -> Array:
    """Places of the `n` best, best first, ties by id."""
    total = scored.total
    if n < len(total):
        floor = np.partition(total, len(total) - n)[len(total) - n]
        places = (total >= floor).nonzero()[0]
    else:
        places = np.arange(len(total))
    return in_order(scored, places)[:n]


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


def give_seats(scored: Scored, listed: Array, places: Array, part: str) -> Array:
    """Let candidates have the last seats of a list, the first of `places` the best of these: a part, positive or not.

    The score of each then equals the one of the item that it displaces. Returns the places of the new list.
    """
    kept, displaced = listed[: len(listed) - len(places)], listed[len(listed) - len(places) :]
    rise = np.zeros(len(scored.ids))
    rise[places] = scored.total[displaced] - scored.total[places]
    scored.add(part, rise)
    return np.concatenate((kept, places))


def in_order(scored: Scored, listed: Array) -> Array:
    """Places by their final scores, ties by id: the last rounding must not show as disorder."""
    scores = scored.total[listed]
    order = (-scores).argsort(kind="stable")
    sorted_scores = scores[order]
    ordered: Array = listed[order]
    if (sorted_scores[1:] == sorted_scores[:-1]).any():
        ids, places = scored.ids, ordered.tolist()
        keyed = zip((-sorted_scores).tolist(), [ids[place] for place in places], places, strict=True)
        ordered = np.array([place for _, _, place in sorted(keyed)], np.int64)
    return ordered


def width(scored: Scored, pool: Array) -> float:
    """The range of the scores of a pool; 0 of an empty one."""
    return float(np.ptp(scored.total[pool])) if len(pool) else 0.0


def pool_size(n: int) -> int:
    """How many of the best candidates diversity chooses among."""
    return min(MAX_POOL, POOL * n)
