"""A partition's own clock, made of event times, that one wrong timestamp cannot move."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable
from typing import Final

REACH_MS: Final = 3 * 3_600_000
"""The shortest half-life: a wrong time within it is off by a factor of two at most."""


class EventClock:
    """The newest of the last 15 event times that is at most `REACH_MS` past their median: `now` for decay and trends.

    A single event from the year 9999 changes the median by one rank only; 8 of 15 must agree. The median itself would
    be some 7 events old: in a partition with few events an hour that is long beside the shortest half-life.
    An event counts at its own time, or at the clock where it claims to be later than that.

    >>> clock = EventClock()
    >>> [clock.tick(t) for t in (1000, 2000, 253402300799999, 3000)]
    [1000, 2000, 2000, 3000]
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

    @property
    def now(self) -> int:
        """The clock in ms; 0 before the first event."""
        times = self._ordered
        return times[bisect_right(times, times[(len(times) - 1) // 2] + REACH_MS) - 1] if times else 0

    @property
    def times(self) -> list[int]:
        """The window, oldest first: what a restart needs."""
        return list(self._times)
