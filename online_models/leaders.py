"""Who leads a decayed popularity, kept up to date event by event.

Decay takes the same share from every item, so the order of two items changes only when one of them has an event:
log2(value) + time / half-life stays what it is between events, and the leaders need no scan.

>>> leaders = Leaders(size=2, half_lives=[1000.0])
>>> for item, value, at in ((0, 1.0, 0), (1, 3.0, 0), (2, 1.0, 9000)):
...     leaders.update(item, np.array([value]), at)
>>> sorted(leaders.of(0).tolist())
[1, 2]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.state import State

Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]


@njit(cache=True)
def _update(item: int, strength: float, strengths: Floats, leaders: Indexes) -> None:
    strengths[item] = strength
    weakest = 0
    for place in range(len(leaders)):
        if leaders[place] == item:
            return
        if leaders[place] < 0:
            leaders[place] = item
            return
        if strengths[leaders[place]] < strengths[leaders[weakest]]:
            weakest = place
    if strength > strengths[leaders[weakest]]:
        leaders[weakest] = item


@njit(cache=True)
def _update_all(item: int, values: Floats, at: int, half_lives: Floats, strengths: Floats, leaders: Indexes) -> None:
    for row in range(len(half_lives)):
        if values[row] > 0.0:
            _update(item, np.log2(values[row]) + at / half_lives[row], strengths[row], leaders[row])


class Leaders:
    """The `size` most popular items at each of some half-lives.

    Parameters
    ----------
    size
        How many to keep.
    half_lives
        In ms of event time.
    """

    def __init__(self, size: int, half_lives: Sequence[float]) -> None:
        self.half_lives = np.array(half_lives, np.float64)
        self._leaders = np.full((len(half_lives), size), -1, np.int64)
        self._strengths = np.full((len(half_lives), 1024), -np.inf)

    def update(self, item: int, values: Floats, at: int) -> None:
        """An event has set the item's popularity to `values` [half-lives], decayed to `at` (ms)."""
        if item >= self._strengths.shape[1]:
            self._strengths = np.pad(
                self._strengths, ((0, 0), (0, item + 1)), constant_values=-np.inf
            )  # fmt: skip
        _update_all(item, values, at, self.half_lives, self._strengths, self._leaders)

    def of(self, row: int) -> Indexes:
        """The leaders at one half-life, in no order."""
        return np.asarray(self._leaders[row][self._leaders[row] >= 0])

    def state_dict(self, items: int) -> State:
        """The leaders, and the strength of items 0 to `items` - 1."""
        held = self._strengths[:, :items]
        missing = items - held.shape[1]
        return {
            "leaders": self._leaders.copy(),
            "strengths": np.pad(held, ((0, 0), (0, missing)), constant_values=-np.inf) if missing > 0 else held.copy(),
        }

    def load_state(self, state: State) -> None:
        """Take the state over."""
        self._leaders = state["leaders"].copy()
        self._strengths = np.full((len(self.half_lives), max(1024, state["strengths"].shape[1])), -np.inf)
        self._strengths[:, : state["strengths"].shape[1]] = state["strengths"]
