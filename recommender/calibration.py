"""Calibration: lists whose mix of categories is that of the user's history (Steck, RecSys 2018).

Steck's measure is the divergence of the two mixes; its gains are traded here as the squared distance, whose gain of one
more item falls linearly, so that one dial says how many items a category may be off before its score stops mattering.

>>> labels = Labels([["Horror"], ["Horror", "Sci-Fi"], []])
>>> labels.names, labels.shares.tolist()
(['', 'Horror', 'Sci-Fi'], [[0.0, 1.0, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from recommender.numbering import Array

Floats = npt.NDArray[np.float64]

MOST: Final = 4.0
"""At dial 1, an eighth of an item in the mix outweighs the whole range of scores; it goes by the dial's square."""


class Labels:
    """Items by their categories: names [L] (sorted; "" for items without any), shares [n, L], each row's sum 1."""

    def __init__(self, categories: Sequence[Sequence[str]], more: Sequence[str] = ()) -> None:
        given = [list(dict.fromkeys(each)) or [""] for each in categories]
        self.names = sorted({name for each in given for name in each} | set(more))
        place = {name: at for at, name in enumerate(self.names)}
        self.shares: Floats = np.zeros((len(given), len(self.names)))
        for row, each in enumerate(given):
            for name in each:
                self.shares[row, place[name]] += 1.0 / len(each)

    def mix(self, weights: Mapping[str, float]) -> Floats:
        """A mix by name as an array over `names`."""
        return np.array([weights.get(name, 0.0) for name in self.names])


def mix_of(categories: Sequence[Sequence[str]], weights: Sequence[float]) -> dict[str, float]:
    """The share of each category in weighted items (an item's weight is split among its own); {} of nothing.

    >>> mix_of([["a"], ["a", "b"]], [1.0, 1.0])
    {'a': 0.75, 'b': 0.25}
    """
    out: dict[str, float] = {}
    whole = float(sum(weights))
    for each, weight in zip(categories, weights, strict=True):
        names = list(dict.fromkeys(each)) or [""]
        for name in names:
            out[name] = out.get(name, 0.0) + weight / len(names) / whole
    return out


def distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Total variation between two mixes, 0 (the same) to 1 (nothing in common)."""
    return 0.5 * sum(abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in {*one, *other})


def furthest(categories: int, n: int) -> float:
    """How far, at dial 1, a list of `n` may be from a history of so many categories, in total variation.

    It holds where each item has one category and each category enough candidates. Before each choice some category
    lacks at least 1/L of an item, and one that lacks at most 1/8 less is chosen, so none is in excess by more than
    9/8 - 1/L, and at least one is not in excess.
    """
    return (categories - 1) * (1.125 - 1.0 / categories) / n


class Calibrating:
    """The worth that items add to a list for its mix, as the list grows.

    Parameters
    ----------
    shares
        [p, L] the pool's items by category.
    wanted
        [L] the mix wished for.
    """

    def __init__(self, shares: Floats, wanted: Floats, n: int, dial: float, width: float) -> None:
        self._shares = shares
        self._own = (shares**2).sum(axis=1)
        self._lacking = n * wanted
        self._unit = MOST * dial**2 * max(width, 1e-9)
        self._highest = float(self._gains().max())

    def worth(self) -> Floats:
        """[p], at most 0: how much less each item is worth here than the best one was at first. It only falls."""
        return self._unit * (self._gains() - self._highest)

    def take(self, place: int) -> None:
        """The item at a place is in the list now."""
        self._lacking = self._lacking - self._shares[place]

    def _gains(self) -> Floats:
        return np.asarray(2.0 * (self._shares @ self._lacking) - self._own)


class Capped:
    """At most so many items of each category; items without one are not capped.

    Parameters
    ----------
    shares, names
        As of `Labels`.
    """

    def __init__(self, shares: Floats, names: Sequence[str], most: int) -> None:
        self._has: Array = (shares > 0.0) & np.array([name != "" for name in names], np.bool_)
        self._left = np.full(len(names), most)

    def blocked(self) -> Array:
        """[p] mask: one more of these would be one too many."""
        return np.asarray((self._has & (self._left <= 0)).any(axis=1))

    def take(self, place: int) -> None:
        """The item at a place is in the list now."""
        self._left = self._left - self._has[place]

    def give_back(self, place: int) -> None:
        """The item at a place is not in the list any more."""
        self._left = self._left + self._has[place]
