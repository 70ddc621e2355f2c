"""Hits of several models over the newest events, as a moving window.

>>> window = HitWindow(models=2, size=2)
>>> for hits in ((True, True), (True, False), (False, False)):
...     window.add(hits)
>>> window.rates(), window.tested
([0.5, 0.0], 3)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any


class HitWindow:
    """Which models hit the newest `size` events of a slice, a bit for each; `tested` counts all that there were."""

    def __init__(self, models: int, size: int) -> None:
        self._models = models
        self._marks: deque[int] = deque(maxlen=size)
        self._hits = [0] * models
        self.tested = 0

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, hits: Sequence[bool]) -> None:
        """Add an event: did each model hit?"""
        self.tested += 1
        if len(self._marks) == self._marks.maxlen:
            self._count(self._marks[0], -1)
        mark = sum(1 << model for model, hit in enumerate(hits) if hit)
        self._marks.append(mark)
        self._count(mark, 1)

    def rates(self, least: int = 1) -> list[float | None]:
        """The models' hit rates; None where they would rest on fewer than `least` events."""
        n = len(self._marks)
        return [None if n < least else round(hits / n, 4) for hits in self._hits]

    def rates_around(self, newest: int) -> tuple[list[float | None], list[float | None]]:
        """The rates before the `newest` events of the window, and of these."""
        marks = list(self._marks)
        place = max(0, len(marks) - newest)
        before, after = (self._rates_of(part) for part in (marks[:place], marks[place:]))
        return before, after

    def _rates_of(self, marks: Sequence[int]) -> list[float | None]:
        hits = [sum(mark >> model & 1 for mark in marks) for model in range(self._models)]
        return [round(each / len(marks), 4) if marks else None for each in hits]

    def state(self) -> dict[str, Any]:
        """What a restart needs, as JSON values."""
        return {"tested": self.tested, "marks": list(self._marks)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self.tested = int(state["tested"])
        self._marks.extend(state["marks"])
        for mark in self._marks:
            self._count(mark, 1)

    def _count(self, mark: int, by: int) -> None:
        for model in range(self._models):
            self._hits[model] += by * (mark >> model & 1)
