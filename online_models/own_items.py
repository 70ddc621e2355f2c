"""What a user did with the items of their own history: how long ago, how often, at what intervals, and what it was.

>>> own = OwnItems()
>>> own.read(np.array([7, 3, 7]), np.array([1000, 2000, 5000]), np.array([2520, 504, 7560]))  # oldest first
array([7, 3])
>>> own.table[7].tolist()  # place (0: the newest), times taken, when last, mean interval in ms, last weight
[0.0, 2.0, 5000.0, 4000.0, 7560.0]
>>> own.clear()
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.neighbours import grown

Array = np.ndarray[Any, Any]
Floats = npt.NDArray[np.float64]

PLACE, TIMES, LAST, INTERVAL, WEIGHT = range(5)
FACTS: Final = 5
NEVER: Final = -1.0


@njit(cache=True)
def _read(items: Array, times: Array, weights: Array, table: Floats, found: Array) -> int:
    n = 0
    for place in range(len(items)):
        at = len(items) - 1 - place
        row = table[items[at]]
        if row[PLACE] < 0.0:
            row[PLACE] = place
            row[LAST] = times[at]
            row[WEIGHT] = weights[at]
            found[n] = items[at]
            n += 1
        row[TIMES] += 1.0
        row[INTERVAL] = times[at]  # the first, as it turns out
    for k in range(n):
        row = table[found[k]]
        row[INTERVAL] = (row[LAST] - row[INTERVAL]) / (row[TIMES] - 1.0) if row[TIMES] > 1.0 else NEVER
    return n


@njit(cache=True)
def _wipe(found: Array, table: Floats) -> None:
    for item in found:
        table[item] = 0.0
        table[item, PLACE] = table[item, INTERVAL] = NEVER


class OwnItems:
    """A work table. `clear` it before the next `read`; one thread at a time."""

    def __init__(self) -> None:
        self.table: Floats = _empty(1024)
        """By item index: place, times, last, interval (ms; -1 for none), weight; valid between `read` and `clear`."""
        self._found = np.zeros(256, np.int64)
        self._n = 0

    def read(self, items: Array, times: Array, weights: Array, known: int = 0) -> Array:
        """Fill `table` from a history, oldest first, of items below `known`; the distinct items, newest first."""
        size = known or (int(items.max()) + 1 if len(items) else 0)
        if size > len(self.table):
            self.table = _empty(2 * size)
        if len(items) > len(self._found):
            self._found = grown(self._found, 2 * len(items))
        self._n = int(_read(items, times, weights, self.table, self._found))
        return self._found[: self._n].copy()

    def clear(self) -> None:
        """Set what `read` filled back."""
        _wipe(self._found[: self._n], self.table)
        self._n = 0


def _empty(size: int) -> Floats:
    table = np.zeros((size, FACTS))
    table[:, PLACE] = table[:, INTERVAL] = NEVER
    return table
