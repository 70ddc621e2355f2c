"""How much of what was sent is still unread: what keeps an embedded broker's 5 MB a partition from overflowing.

The mock cluster drops a partition's oldest records without a word. So whoever sends fast waits while any partition
holds more unread bytes than fit with safety.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

Positions = Callable[[], Mapping[str, Sequence[int]]]
"""Gives the next offset that the state includes, of each partition, by topic (without prefix)."""

ROOM_BYTES: Final = 3_000_000
POLL_S: Final = 0.05


class Backlog:
    """Bytes sent to each partition beyond the worker's position.

    Parameters
    ----------
    positions: of the worker, as the state in Redis has them.
    begin: the end of each partition before the first record was sent.
    room: bytes that may be unread in a partition.
    meanwhile: called between two looks while there is no room.
    """

    def __init__(
        self,
        positions: Positions,
        begin: Mapping[str, Sequence[int]],
        room: int = ROOM_BYTES,
        sleep: Callable[[float], None] = time.sleep,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        self._positions = positions
        self._room = room
        self._sleep = sleep
        self._meanwhile = meanwhile
        self._next = {(topic, p): offset for topic, ends in begin.items() for p, offset in enumerate(ends)}
        self._unread: dict[tuple[str, int], deque[tuple[int, int]]] = {place: deque() for place in self._next}
        self._bytes = dict.fromkeys(self._next, 0)

    def sent(self, topic: str, partition: int, size: int) -> None:
        """Count a record; topics that were not in `begin` are not watched."""
        place = (topic, partition)
        if place in self._next:
            self._unread[place].append((self._next[place], size))
            self._next[place] += 1
            self._bytes[place] += size

    def unread(self) -> int:
        """Bytes in the fullest partition, after a look at the positions."""
        for topic, offsets in self._positions().items():
            for partition, position in enumerate(offsets):
                waiting = self._unread.get((topic, partition))
                while waiting and waiting[0][0] < position:
                    self._bytes[topic, partition] -= waiting.popleft()[1]
        return max(self._bytes.values(), default=0)

    def wait_for_room(self) -> None:
        """Return when every partition has room."""
        while max(self._bytes.values(), default=0) > self._room and self.unread() > self._room // 2:
            self._meanwhile()
            self._sleep(POLL_S)


class Pace:
    """A rate that is not exceeded: `wait` after each thing, `rate` of them a second; None: no limit."""

    def __init__(
        self,
        rate: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 0.0 if rate is None else 1.0 / rate
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def wait(self) -> None:
        """Return when the next one may go; what was missed by slowness is made up for within a second."""
        if not self._gap:
            return
        self._due = max(self._due, self._clock() - 1.0) + self._gap
        ahead = self._due - self._clock()
        if ahead > 0.001:
            self._sleep(ahead)
