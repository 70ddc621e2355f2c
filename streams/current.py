"""Up to when each partition's state is known to include its log.

>>> current = Current()
>>> current.look("interactions:0", position=5, end=8, now_ms=1_000); current.until
{}
>>> current.look("interactions:0", position=8, end=9, now_ms=2_000); current.until
{'interactions:0': 1000}
>>> current.look("interactions:0", position=9, end=9, now_ms=3_000); current.until
{'interactions:0': 3000}
"""

from __future__ import annotations

from collections import deque
from typing import Final

LOOKS: Final = 3_600


class Current:
    """Looked at from time to time: what was the log's end at one look is reached at a later one."""

    def __init__(self) -> None:
        self.until: dict[str, int] = {}
        self._ends: dict[str, deque[tuple[int, int]]] = {}

    def look(self, place: str, position: int, end: int | None, now_ms: int) -> None:
        """The state of a place ends at `position`, its log at `end` (None: not heard yet)."""
        if end is None:
            return
        ends = self._ends.setdefault(place, deque(maxlen=LOOKS))
        if position >= end:
            ends.clear()
            self.until[place] = now_ms
            return
        while ends and position >= ends[0][0]:
            self.until[place] = ends.popleft()[1]
        ends.append((end, now_ms))
