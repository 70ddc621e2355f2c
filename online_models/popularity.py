"""What everybody likes: the baselines that any personal model has to beat.

>>> model = DecayedPopularity(half_life_ms=1000)
>>> for at, item in [(1000, "old")] * 2 + [(9000, "new")] * 3:
...     model.learn_one("u1", item, 1.0, {"timestamp": at})
>>> model.recommend("u2", k=2, at=9000)
['new', 'old']
"""

# ruff: noqa: ARG002 - River's protocol has arguments that not every model needs

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from online_models.base import Context, Floats, Id, OnlineRanker, event_time
from online_models.event_clock import EventClock
from online_models.ids import Ids
from online_models.neighbours import grown
from online_models.state import State

DAY_MS = 86_400_000


class Popularity(OnlineRanker):
    """How many events an item had, ever. An event counts 1 whatever its weight; dislikes count nothing."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self._items = Ids()
        self._counts = np.zeros(1024)

    def _learn(self, user: Id, item: Id, weight: float, x: Context) -> None:
        position = self._place(item)
        if weight >= 0.0:
            self._counts[position] += 1.0

    def _place(self, item: Id) -> int:
        position = self._items.add(item)
        if position == len(self._counts):
            self._counts = grown(self._counts, 2 * position)
        return position

    def predict_one(self, user: Id, item: Id, x: Context | None = None) -> float:  # type: ignore[override]
        """The item's count; 0 for an unknown one."""
        position = self._items.find(item)
        return 0.0 if position is None else float(self._counts[position])

    def known(self) -> Sequence[Id]:
        """Every item learned or added."""
        return self._items.names

    def scores(self, user: Id, at: int | None = None) -> Floats:
        """The counts, [n]; neither the user nor the time matters."""
        return self._counts[: len(self._items)]

    def add_item(
        self, item: Id, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None:
        """Make an item known, with count 0."""
        self._place(item)

    def state_dict(self) -> State:
        """Ids and counts."""
        return {"items": list(self._items.names), "counts": self._counts[: len(self._items)].copy()}

    def load_state(self, state: State) -> None:
        """Take ids and counts over."""
        self._items = Ids(state["items"])
        self._counts = grown(state["counts"], max(1024, len(self._items)))


class DecayedPopularity(OnlineRanker):
    """How many events an item had, each halved for every half-life that has passed since in event time.

    Parameters
    ----------
    half_life_ms
        In event time. One day was best on the film ratings shipped here (`benchmarks/quality.py`).
    """

    def __init__(self, half_life_ms: float = DAY_MS, seed: int = 0) -> None:
        super().__init__(seed=seed)
        if not half_life_ms > 0.0:
            raise ValueError(f"half_life_ms must be positive, got {half_life_ms}")
        self.half_life_ms = half_life_ms
        self._clock = EventClock()
        self._items = Ids()
        self._values = np.zeros(1024)  # as of `_times`
        self._times = np.zeros(1024, np.int64)

    def _learn(self, user: Id, item: Id, weight: float, x: Context) -> None:
        when = event_time(x)
        # The clock, not the event, says what time it is: a wrong timestamp does no lasting harm.
        now = self._clock.now if when is None else self._clock.tick(when)
        position = self._place(item)
        if weight < 0.0:
            return
        late = 0 if when is None else now - when
        self._values[position] = self._decayed(self._values[position], now - self._times[position]) + self._decayed(
            np.float64(1.0), np.int64(late)
        )
        self._times[position] = now

    def _decayed(self, values: Floats | np.float64, age: npt.NDArray[np.int64] | np.int64) -> Floats:
        # What seems to come from the future counts as of now.
        return np.asarray(values * np.exp2(-np.maximum(age, 0) / self.half_life_ms))

    def _place(self, item: Id) -> int:
        position = self._items.add(item)
        if position == len(self._values):
            self._values = grown(self._values, 2 * position)
            self._times = grown(self._times, 2 * position)
        return position

    def predict_one(self, user: Id, item: Id, x: Context | None = None) -> float:  # type: ignore[override]
        """The item's decayed count at the context's time (default: the newest learned); 0 for an unknown one."""
        position = self._items.find(item)
        if position is None:
            return 0.0
        at = event_time(x or {})
        now = self._clock.now if at is None else at
        return float(self._decayed(self._values[position], now - self._times[position]))

    def known(self) -> Sequence[Id]:
        """Every item learned or added."""
        return self._items.names

    def scores(self, user: Id, at: int | None = None) -> Floats:
        """The decayed counts at `at`, [n]."""
        n = len(self._items)
        now = np.int64(self._clock.now if at is None else at)
        return self._decayed(self._values[:n], now - self._times[:n])

    def add_item(
        self, item: Id, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None:
        """Make an item known, with count 0."""
        self._place(item)

    def state_dict(self) -> State:
        """Ids, counts, the times they are decayed to, and the clock."""
        n = len(self._items)
        return {
            "items": list(self._items.names),
            "values": self._values[:n].copy(),
            "times": self._times[:n].copy(),
            "clock": self._clock.times,
        }

    def load_state(self, state: State) -> None:
        """Take the state over."""
        self._items = Ids(state["items"])
        self._values = grown(state["values"], max(1024, len(self._items)))
        self._times = grown(state["times"], max(1024, len(self._items)))
        self._clock = EventClock(state["clock"])
