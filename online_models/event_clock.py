"""A partition's own clock, made of event times, that one wrong timestamp cannot move."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

REACH_MS: Final = 3 * 3_600_000
"""The shortest half-life: a wrong time within it is off by a factor of two at most."""
HORIZON_MS: Final = 7 * 24 * 3_600_000
"""A quiet week."""
_FEW: Final = 8
"""Handing so many over to compiled code takes longer than doing without."""


@njit(cache=True)
def _ticks(times: Array, begin: int, window: int) -> Array:
    """See `EventClock.ticks`; `times` begins with the `begin` times that are in the window already."""
    out = np.empty((3, len(times) - begin), np.int64)
    ordered = np.empty(window, np.int64)
    ordered[:begin] = np.sort(times[:begin])
    held = begin
    for e in range(begin, len(times)):
        if held == window:
            oldest, place = times[e - window], 0
            while ordered[place] != oldest:
                place += 1
            ordered[place : window - 1] = ordered[place + 1 :]
            held -= 1
        place = held
        while place > 0 and ordered[place - 1] > times[e]:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = times[e]
        held += 1
        out[0, e - begin] = times[e]
        median = ordered[(held - 1) // 2]
        for row, far in ((1, REACH_MS), (2, HORIZON_MS)):
            place = held - 1
            while ordered[place] > median + far:
                place -= 1
            out[row, e - begin] = ordered[place]
    return out


class EventClock:
    """What time it is, by the last 15 event times: `now` for decay and trends, `horizon` for an event's own time.

    Both are the newest of these times that is not too far past their median. A single event from the year 9999 changes
    the median by one rank only; 8 of 15 must agree. The median itself would be some 7 events old: in a partition with
    few events an hour that is long beside the shortest half-life.

    An event counts at its own time, or at the horizon where it claims to be later than that; what is later than the
    clock is kept apart (`kernels`) until the clock gets there. So the first events after a quiet night are dated right,
    though the median is still of the evening before, and a wrong time decays nothing but itself.

    >>> clock = EventClock()
    >>> [clock.tick(t) for t in (1000, 2000, 253402300799999, 3000)]
    [1000, 2000, 2000, 3000]
    >>> clock.tick(3000 + 8 * 3_600_000), clock.horizon
    (3000, 28803000)
    """

    WINDOW = 15

    def __init__(self, times: Iterable[int] = ()) -> None:
        self._times: deque[int] = deque(times, maxlen=self.WINDOW)
        self._ordered = sorted(self._times)

    def tick(self, timestamp: int) -> int:
        """Take in an event's time (ms) and return the clock after it."""
        if len(self._times) == self.WINDOW:
            del self._ordered[bisect_left(self._ordered, self._times[0])]
        self._times.append(timestamp)
        insort(self._ordered, timestamp)
        return self.now

    def ticks(self, timestamps: Sequence[int]) -> Array:
        """Take in event times, in order; they and, after each, `now` and `horizon`, [3, n] int64."""
        if len(timestamps) < _FEW:
            told = [(self.tick(timestamp), self.horizon) for timestamp in timestamps]
            return np.array([timestamps, [now for now, _ in told], [horizon for _, horizon in told]], np.int64)
        window = np.array([*self._times, *timestamps], np.int64)
        out = _ticks(window, len(self._times), self.WINDOW)
        self._times.extend(timestamps[-self.WINDOW :])
        self._ordered = sorted(self._times)
        return out

    @property
    def now(self) -> int:
        """The clock in ms; 0 before the first event."""
        return self._newest(self._median + REACH_MS)

    @property
    def horizon(self) -> int:
        """The latest time, in ms, that an event may count at; 0 before the first."""
        return self._newest(self._median + HORIZON_MS)

    @property
    def _median(self) -> int:
        return self._ordered[(len(self._ordered) - 1) // 2] if self._ordered else 0

    def _newest(self, limit: int) -> int:
        """The newest of the window up to a time."""
        return self._ordered[bisect_right(self._ordered, limit) - 1] if self._ordered else 0

    @property
    def times(self) -> list[int]:
        """The window, oldest first: what a restart needs."""
        return list(self._times)
