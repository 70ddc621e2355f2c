"""What the personal baselines share: where they know nothing, decayed popularity speaks."""

from __future__ import annotations

import abc
from collections.abc import Iterable

import numpy as np

from online_models.base import Context, Floats, Id, best_first, event_time
from online_models.popularity import DAY_MS, DecayedPopularity

FILL = 1e-6
"""The most that popularity adds to a score: it orders what the model holds for equal, and nothing else."""


class Personal(DecayedPopularity):
    """A model of its own, with decayed popularity to break its ties and for users that it does not know.

    Parameters
    ----------
    half_life_ms
        Of that popularity.
    """

    def __init__(self, half_life_ms: float = DAY_MS, seed: int = 0) -> None:
        super().__init__(half_life_ms=half_life_ms, seed=seed)

    @abc.abstractmethod
    def _take(self, user: Id, place: int, weight: float, x: Context) -> None:
        """Learn one event on the item at `place`; popularity has it already."""

    @abc.abstractmethod
    def _personal(self, user: Id, now: int) -> Floats | None:
        """The model's scores of the first items, [at most n] (the others have 0); None for a user unknown to it.

        now: event time in ms.
        """

    def _learn(self, user: Id, item: Id, weight: float, x: Context) -> None:
        super()._learn(user, item, weight, x)
        self._take(user, self._place(item), weight, x)

    def scores(self, user: Id, at: int | None = None) -> Floats:
        """The model's score of each known item, and a little popularity, [n]."""
        trend = super().scores(user, at)
        out = FILL * trend / (1.0 + trend)
        own = self._personal(user, self._clock.now if at is None else at)
        if own is not None:
            out[: len(own)] += own
        return np.asarray(out)

    def predict_one(self, user: Id, item: Id, x: Context | None = None) -> float:  # type: ignore[override]
        """The item's score at the context's time (default: the newest learned); 0 for an unknown one."""
        place = self._items.find(item)
        return 0.0 if place is None else float(self.scores(user, event_time(x or {}))[place])

    def rank(self, user: Id, items: Iterable[Id], x: Context | None = None) -> list[Id]:
        """`items`, best first; ties by id."""
        scores = self.scores(user, event_time(x or {}))
        places = {item: self._items.find(item) for item in items}
        scored = [(item, 0.0 if at is None else float(scores[at])) for item, at in places.items()]
        return [item for item, _ in sorted(scored, key=best_first)]
