"""Which items give their place up when a partition has too many.

Every item is named at its first event, and gets a place; when the places are full, those with the least attention (the
30-day popularity, decayed to now) leave together. An id that is seen once and never again is always among them before
anything that people come back to, so a flood of one-off ids passes through a sixteenth of the places: this is the
admission rule of TinyLFU (Einziger, Friedman, Manes 2017), with the decayed popularity as its sketch.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from online_models.kernels import HALF_LIVES_MS, trend

Array = np.ndarray[Any, Any]

SHARE: Final = 16
"""One of so many leaves at once, so that the cost of looking at all of them is spread over many new names."""
_SLOWEST: Final = len(HALF_LIVES_MS) - 1


def places_to_clear(cap: int, live: int, coming: int) -> int:
    """How many items must go so that `coming` new ones fit; 0 if they do.

    >>> places_to_clear(32, 31, 1), places_to_clear(32, 32, 1), places_to_clear(32, 30, 9)
    (0, 2, 7)
    """
    excess = live + coming - cap
    return 0 if excess <= 0 else min(live, max(excess, cap // SHARE))


def least_wanted(indexes: Array, stats: Array, tie: Array, now: int, count: int) -> list[int]:
    """The `count` of `indexes` with the least attention at `now` (event time, ms); ties by the ids' hash."""
    attention = _attention(indexes, stats, now)
    order = np.lexsort((tie[indexes], attention))
    gone: list[int] = indexes[order[:count]].tolist()
    return gone


@njit(cache=True)
def _attention(indexes: Array, stats: Array, now: int) -> Array:
    out = np.empty(len(indexes))
    for place in range(len(indexes)):
        s = stats[indexes[place]]
        out[place] = trend(s, _SLOWEST, now, HALF_LIVES_MS[_SLOWEST])
    return out
