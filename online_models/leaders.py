"""Who leads a decayed popularity, kept up to date event by event.

Decay takes the same share from every item, so the order of two items changes only when one of them has an event:
log2(value) + time / half-life stays what it is between events, and the leaders need no scan.

>>> from online_models.item_stats import stats_dtype
>>> stats = np.zeros(3, stats_dtype(1))
>>> stats["popularity"][:, 1], stats["popularity_at"] = [1.0, 3.0, 1.0], [0, 0, 9 * 86_400_000]
>>> leaders = Leaders(size=2, half_lives=[1])
>>> leaders.update(np.arange(3), stats)
>>> leaders.of(0).tolist()
[1, 2]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.kernels import HALF_LIVES_MS, trend
from online_models.state import State

Array = np.ndarray[Any, Any]
Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]

_LAST: Final = 2**62


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
def _update_all(items: Indexes, stats: Array, half_lives: Indexes, strengths: Floats, leaders: Indexes) -> None:
    for item in items:
        s = stats[item]
        at = max(s.popularity_at, s.ahead_at)
        for row in range(len(half_lives)):
            half_life = HALF_LIVES_MS[half_lives[row]]
            value = trend(s, half_lives[row], at, half_life)
            if value > 0.0:
                _update(item, np.log2(value) + at / half_life, strengths[row], leaders[row])


class Leaders:
    """The `size` most popular items at each of some half-lives.

    Parameters
    ----------
    size
        How many to keep.
    half_lives
        By number, as in `kernels.HALF_LIVES_MS`.
    """

    def __init__(self, size: int, half_lives: Sequence[int]) -> None:
        self.half_lives = np.array(half_lives, np.int64)
        self._leaders = np.full((len(half_lives), size), -1, np.int64)
        self._strengths = np.full((len(half_lives), 1024), -np.inf)

    def update(self, items: Indexes, stats: Array) -> None:
        """Events have changed the counts of some items (`item_stats`, by index)."""
        most = int(items.max(initial=-1))
        if most >= self._strengths.shape[1]:
            self._strengths = np.pad(self._strengths, ((0, 0), (0, most + 1)), constant_values=-np.inf)
        _update_all(items, stats, self.half_lives, self._strengths, self._leaders)

    def of(self, row: int) -> Indexes:
        """The leaders at one half-life, by index."""
        # Not in the order in which they came: that hangs on after how many events each was looked at.
        return np.sort(self._leaders[row][self._leaders[row] >= 0])

    def state_dict(self, items: int) -> State:
        """The leaders, and the strength of items 0 to `items` - 1."""
        held = self._strengths[:, :items]
        missing = items - held.shape[1]
        ordered = np.sort(np.where(self._leaders < 0, _LAST, self._leaders), axis=1)
        return {
            "leaders": np.where(ordered == _LAST, -1, ordered),
            "strengths": np.pad(held, ((0, 0), (0, missing)), constant_values=-np.inf) if missing > 0 else held.copy(),
        }

    def load_state(self, state: State) -> None:
        """Take the state over."""
        self._leaders = state["leaders"].copy()
        self._strengths = np.full((len(self.half_lives), max(1024, state["strengths"].shape[1])), -np.inf)
        self._strengths[:, : state["strengths"].shape[1]] = state["strengths"]
