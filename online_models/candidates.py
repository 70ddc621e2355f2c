"""Which items are scored for a user: those that any part of the score could put on top."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.covisits import ORDER, PAIRS
from online_models.own_items import PLACE

Array = np.ndarray[Any, Any]
Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BY_COVISITS, BY_POPULARITY, BY_AGE = 150, 100, 50
BY_CONTENT, NEIGHBOURS = 6, 12
"""So many neighbours of each of so many of the newest items."""
ALL: Final = 450
"""Up to so many known items, every one is a candidate."""


@njit(cache=True)
def best_covisits(touched: Indexes, table: Floats, own: Floats, most: int) -> Indexes:
    """Of the items that a read-out touched, without the user's own, the `most` with the largest A; ties by index."""
    values = np.zeros(len(touched))
    for at in range(len(touched)):
        if own[touched[at], PLACE] < 0.0:
            values[at] = max(table[touched[at], PAIRS] + 2.0 * table[touched[at], ORDER], 0.0)
    limit = 0.0 if len(touched) <= most else np.partition(values, len(values) - most)[len(values) - most]
    above = touched[values > limit]
    if limit <= 0.0:
        return above
    return np.concatenate((above, np.sort(touched[values == limit])[: most - len(above)]))


@njit(cache=True)
def distinct(several: Indexes, tie: Array, mark: Array) -> Indexes:
    """`several` without repeats and dead items; `mark` is left as it was, all 0."""
    out = np.empty(len(several), np.int64)
    found = 0
    for index in several:
        if mark[index] == 0 and tie[index] != 0:
            mark[index] = 1
            out[found] = index
            found += 1
    for index in out[:found]:
        mark[index] = 0
    return out[:found]


@njit(cache=True)
def free(several: Indexes, gone: Indexes, tie: Array, mark: Array) -> Bools:
    """Which of `several` are neither in `gone` nor dead; `mark` is left as it was, all 0."""
    for index in gone:
        mark[index] = 1
    out = np.empty(len(several), np.bool_)
    for at in range(len(several)):
        out[at] = mark[several[at]] == 0 and tie[several[at]] != 0
    for index in gone:
        mark[index] = 0
    return out
