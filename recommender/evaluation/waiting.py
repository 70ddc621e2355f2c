"""Feedback that comes late: events that have happened and are not learned yet.

>>> waiting = Waiting(delay_ms=1000)
>>> for at in (0, 400):
...     waiting.add(at, ("u1", f"i{at}", 1.0, {"timestamp": at}))
>>> [event[1] for event in waiting.due(1000)], [event[1] for event in waiting.rest()]
(['i0'], ['i400'])
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

Event = tuple[Hashable, Hashable, float, Mapping[str, Any] | None]


class Waiting:
    """Events by the event time at which they become known; those of one moment in the order in which they came."""

    def __init__(self, delay_ms: int) -> None:
        self.delay_ms = delay_ms
        self._heap: list[tuple[int, int]] = []  # when it becomes known, its number
        self._events: dict[int, Event] = {}
        self._users: dict[Hashable, list[int]] = {}
        self._added = 0

    def add(self, at: int, event: Event) -> None:
        """An event happens at `at` (ms)."""
        heapq.heappush(self._heap, (at + self.delay_ms, self._added))
        self._events[self._added] = event
        self._users.setdefault(event[0], []).append(self._added)
        self._added += 1

    def due(self, now: int) -> Iterator[Event]:
        """Take out what is known at `now`.

        One wrong clock does little harm: an event from the far future waits by itself, and only its own moment sees
        the others early.
        """
        while self._heap and self._heap[0][0] <= now:
            yield from self._take(heapq.heappop(self._heap)[1])

    def of(self, user: Hashable) -> Iterator[Event]:
        """Take out what waits of one user, in the order in which it came."""
        for number in self._users.pop(user, ()):
            if number in self._events:
                yield self._events.pop(number)

    def rest(self) -> Iterator[Event]:
        """Take out all that still waits."""
        while self._heap:
            yield from self._take(heapq.heappop(self._heap)[1])

    def _take(self, number: int) -> Iterator[Event]:
        event = self._events.pop(number, None)
        if event is None:  # its user was asked for
            return
        mine = self._users.get(event[0], [])
        if number in mine:
            mine.remove(number)
        if not mine:
            self._users.pop(event[0], None)
        yield event
