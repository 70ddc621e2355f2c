"""The items with the largest values, best first, kept up to date as values change: no list needs a scan for them.

>>> values = np.array([1.0, 3.0, 0.0, 2.0])
>>> top = TopItems(lambda numbers: values[numbers], most=2)
>>> tie = np.zeros(4, np.uint64)
>>> top.order(tie).tolist(), top.complete
([1, 3], False)
>>> values[2] = 5.0
>>> top.note(np.array([2]))
>>> top.order(tie).tolist()
[2, 1]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import njit

from recommender.numbering import Array, best, fitted

MOST: Final = 1_000
"""So many are kept: a list needs the first hundred, and passes over what the user had, what expired, what is barred."""


@njit(cache=True)
def _before(value: float, tie: int, other: float, other_tie: int) -> bool:
    return value > other or (value == other and tie < other_tie)


@njit(cache=True)
def _merge(
    changed: Array, fresh: Array, fresh_ties: Array, floor: float, floor_tie: Any, numbers: Array, values: Array,
    ties: Array, member: Array, n: int, most: int,
) -> tuple[int, float, int]:  # fmt: skip
    """Move changed items to their places; the new length, and the best value with its tie that may stand outside."""
    for at in range(len(changed)):
        number, value, tie = changed[at], fresh[at], fresh_ties[at]
        if member[number]:
            place = 0
            while numbers[place] != number:
                place += 1
            for k in range(place, n - 1):
                numbers[k], values[k], ties[k] = numbers[k + 1], values[k + 1], ties[k + 1]
            n -= 1
            member[number] = 0
        if not _before(value, tie, floor, floor_tie):
            continue
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            if _before(values[middle], ties[middle], value, tie):
                low = middle + 1
            else:
                high = middle
        for k in range(n, low, -1):
            numbers[k], values[k], ties[k] = numbers[k - 1], values[k - 1], ties[k - 1]
        numbers[low], values[low], ties[low] = number, value, tie
        member[number] = 1
        n += 1
        if n > most:
            n -= 1
            member[numbers[n]] = 0
            floor, floor_tie = values[n], ties[n]
    return n, floor, floor_tie


class TopItems:
    """The `most` items with the largest values above 0.

    Parameters
    ----------
    value_of
        Gives the values of items by number, [n] float64.
    """

    def __init__(self, value_of: Callable[[Array], Array], most: int = MOST) -> None:
        self._value_of = value_of
        self._most = most
        self._noted: list[Array] = []
        self._pending = 0
        self._stale = True
        self._n = 0
        # One place more than are kept: who comes in stands there before the last one leaves.
        self._numbers: Array = np.zeros(most + 1, np.int64)
        self._values: Array = np.zeros(most + 1)
        self._ties: Array = np.zeros(most + 1, np.uint64)
        self._member: Array = np.zeros(1024, np.uint8)
        # Nobody outside comes before this.
        self._floor, self._floor_tie = 0.0, np.uint64(0)

    @property
    def complete(self) -> bool:
        """Are these all the items with a value above 0? Asked after `order`."""
        return bool(self._floor == 0.0)

    def note(self, numbers: Array) -> None:
        """The values of these items changed."""
        self._pending += len(numbers)
        if self._pending <= self._most:
            self._noted.append(numbers)
        else:  # many are sooner looked at all together
            self._stale = True
            self._noted.clear()

    def order(self, tie: Array) -> Array:
        """Their numbers, best first, ties by `tie` [items]; good until the next call."""
        if self._noted and not self._stale:
            self._take(np.unique(np.concatenate(self._noted)), tie)
        if self._stale or (self._n < self._most // 2 and not self.complete):
            self._scan(tie)
        self._noted.clear()
        self._pending, self._stale = 0, False
        return self._numbers[: self._n]

    def _take(self, changed: Array, tie: Array) -> None:
        self._member = fitted(self._member, len(tie))
        self._n, self._floor, floor_tie = _merge(
            changed, self._value_of(changed), tie[changed], self._floor, self._floor_tie, self._numbers, self._values,
            self._ties, self._member, self._n, self._most,
        )  # fmt: skip
        self._floor_tie = np.uint64(floor_tie)  # Numba gives an int back, and would compile anew for one

    def _scan(self, tie: Array) -> None:
        values = self._value_of(np.arange(len(tie)))
        places = np.flatnonzero(values > 0.0)
        found = places[best(values[places], tie[places], self._most)]
        self._n = len(found)
        self._numbers[: self._n], self._values[: self._n], self._ties[: self._n] = found, values[found], tie[found]
        self._member = np.zeros(max(1024, len(tie)), np.uint8)
        self._member[found] = 1
        self._floor, self._floor_tie = 0.0, np.uint64(0)
        if self._n < len(places):
            self._floor, self._floor_tie = values[found[-1]], tie[found[-1]]
