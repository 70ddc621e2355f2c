"""An alarm for a hit rate that drops: River's ADWIN on the hits of a stream, one at a time.

ADWIN keeps a window of the newest hits that is as long as their rate stays the same, and cuts it where the rate
changed (Bifet, Gavaldà, "Learning from time-changing data with adaptive windowing", 2007; `river.drift.ADWIN`).
A rate that rises is no alarm: that is learning.

>>> alarm = DropAlarm()
>>> found = [drop for hit in [False, True] * 500 + [False] * 500 if (drop := alarm.update(hit))]
>>> found[0].before, found[0].after, found[0].began, alarm.raised
(0.5, 0.0, 1000, True)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from river.drift import ADWIN

REMEMBERED: Final = 2_000
"""So many of the newest hits are searched for the place where the rate changed."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A hit rate that fell, and how many hits and misses had been told when it was `noticed`, and when it `began`."""

    noticed: int
    began: int
    before: float
    after: float


class DropAlarm:
    """Takes hits and misses in their order; the same ones raise the same alarms.

    Parameters
    ----------
    delta
        ADWIN's bound on the chance that a change it sees is none.
    least
        A drop by a smaller share of the rate before it raises no alarm.
    lately
        So many of the newest hits say what the rate is now.
    back
        The alarm ends when that has this share of the rate before the drop again.
    lasting
        After so many hits and misses the alarm ends all the same: this is how it is now.

    Attributes
    ----------
    last
        The newest drop, if there was one.
    drops
        How many there were.
    raised
        Is the alarm on?
    ended
        How many had been told when the alarm last ended; None before the first time, and while it is on.
    """

    def __init__(
        self, delta: float = 0.002, least: float = 0.15, lately: int = 250, back: float = 0.9, lasting: int = 5_000
    ) -> None:
        self._adwin = ADWIN(delta=delta)  # type: ignore[no-untyped-call]
        self._least, self._lately, self._back, self._lasting = least, lately, back, lasting
        self._newest: deque[bool] = deque(maxlen=REMEMBERED)
        self.told = 0
        self.drops = 0
        self.last: Drop | None = None
        self.raised = False
        self.ended: int | None = None

    def update(self, hit: bool) -> Drop | None:
        """Tell whether the next list hit; the drop, where this shows one."""
        self.told += 1
        self._take(hit)
        drop = self._drop() if self._adwin.drift_detected else None
        if drop is not None:
            self.last, self.raised, self.ended = drop, True, None
            self.drops += 1
        elif self.raised and self.last is not None and self._is_over(self.last):
            self.raised, self.ended = False, self.told
        return drop

    def state(self) -> dict[str, Any]:
        """What a restart needs, as JSON values."""
        return {
            "told": self.told,
            "drops": self.drops,
            "last": None if self.last is None else asdict(self.last),
            "raised": self.raised,
            "ended": self.ended,
            "newest": "".join("1" if hit else "0" for hit in self._newest),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave; ADWIN's window begins anew with the newest hits."""
        self.told, self.drops = int(state["told"]), int(state["drops"])
        self.last = None if state["last"] is None else Drop(**state["last"])
        self.raised, self.ended = bool(state["raised"]), state["ended"]
        for mark in state["newest"]:
            self._take(mark == "1")

    def _take(self, hit: bool) -> None:
        self._newest.append(hit)
        self._adwin.update(hit)  # type: ignore[no-untyped-call]

    def _drop(self) -> Drop | None:
        hits = np.array(self._newest, np.float64)
        place = likeliest_change(hits)
        before, after = float(hits[:place].mean()), float(hits[place:].mean())
        # What was before a change is not to be taken for one again.
        for _ in range(place):
            self._newest.popleft()
        if after >= before * (1.0 - self._least):
            return None
        return Drop(self.told, self.told - len(hits) + place, before, after)

    def _is_over(self, last: Drop) -> bool:
        since = self.told - last.noticed
        if since < self._lately:
            return False
        lately = list(self._newest)[-self._lately :]
        return since >= self._lasting or sum(lately) >= self._back * last.before * len(lately)


def likeliest_change(hits: npt.NDArray[np.float64]) -> int:
    """Where 0s and 1s [n > 1] split best into two parts with a rate each, by their likelihood: 1 to n - 1.

    >>> likeliest_change(np.array([1.0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0]))
    6
    """
    n = len(hits)
    sizes = np.arange(1, n)
    ones = np.cumsum(hits)[:-1]
    likelihood = _log_likelihood(ones, sizes) + _log_likelihood(hits.sum() - ones, n - sizes)
    return int(likelihood.argmax()) + 1


def _log_likelihood(ones: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Of so many ones among so many, at their own rate."""
    # The zeros beside 0 log 0 cost nothing; the tiny number keeps the logarithm finite there.
    return ones * np.log(np.maximum(ones / sizes, 1e-300)) + (sizes - ones) * np.log(
        np.maximum(1 - ones / sizes, 1e-300)
    )
