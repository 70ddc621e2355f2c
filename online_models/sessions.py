"""Sessions: runs of a user's interactions without a long gap between them.

>>> times = np.array([9_000_000, 8_990_000, 1_000_000])  # newest first
>>> session_length(times, 9_060_000), session_length(times, 19_000_000), gap_ms(times, 9_060_000)
(2, 0, 60000.0)
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

GAP_MS: Final = 1_800_000
"""After half an hour without an event the next one begins a new session (the web's usual cut)."""
NONE: Final = -1.0
"""The gap of somebody without a history."""


@njit(cache=True)
def _length(times: Array, now: int) -> int:
    last = now
    for place in range(len(times)):
        if last - times[place] > GAP_MS:
            return place
        last = min(last, times[place])  # a wrong clock far ahead ends no session
    return len(times)


def session_length(times: Array, now: int) -> int:
    """How many of the newest events belong to the session under way at `now` (ms); `times` newest first."""
    return int(_length(np.ascontiguousarray(times, np.int64), now))


def gap_ms(times: Array, now: int) -> float:
    """Time since the newest event; 0 if it claims to be later than `now`, `NONE` if there is none."""
    return max(0.0, float(now - int(times[0]))) if len(times) else NONE


def votes_in_session(times: Array, weights: Array, now: int) -> int:
    """How many of the events of the session under way vote (no dislikes); times and weights newest first."""
    return int((weights[: session_length(times, now)] >= 0).sum())
