"""EASE, refitted every 5,000 events: the best linear model of an item's events by all others of the user.

Source: Steck, "Embarrassingly shallow autoencoders for sparse data" (WWW 2019): with X the users' items and
P = (X'X + l2 I)^-1, the weights are B = I - P / diag(P).

>>> model = EASE(every=100, l2=1.0)
>>> for number in range(50):
...     for item in ("alien", "aliens") if number % 2 else ("heidi", "lassie"):
...         model.learn_one(f"u{number}", item, 1.0)
>>> model.learn_one("me", "heidi", 1.0)
>>> model.recommend("me", k=1, exclude=["heidi"])
['lassie']
"""

from __future__ import annotations

import numpy as np

from online_models.base import Floats, Id
from online_models.baselines.refitted import Places, Refitted
from online_models.state import State


class EASE(Refitted):
    """Item-item weights in closed form.

    Parameters
    ----------
    l2
        Regularisation, in events.
    every
        Positive events between fits.
    max_users, history, max_items
        Bounds of what it is fitted to; a fit takes time with the cube of the items, and memory with their square.
    """

    def __init__(
        self,
        *,
        l2: float = 100.0,
        every: int = 5_000,
        max_users: int = 200_000,
        history: int = 200,
        max_items: int = 3_000,
        seed: int = 0,
    ) -> None:
        super().__init__(every, max_users, history, max_items, distinct=True, seed=seed)
        if not l2 > 0.0:
            raise ValueError("l2 must be positive")
        self.l2 = l2
        self._weights = np.zeros((0, 0), np.float32)

    def _fit(self, users: list[Places]) -> None:
        m = len(self._fitted)
        gram = np.zeros((m, m))
        for rows in users:
            gram[np.ix_(rows, rows)] += 1.0
        gram[np.diag_indices(m)] += self.l2
        inverse = np.linalg.inv(gram)
        weights = inverse / -np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        self._weights = weights.astype(np.float32)

    def _personal(self, user: Id, now: int) -> Floats | None:  # noqa: ARG002 - it knows no time
        rows = self._rows(self._taken.of(user))
        if not len(rows):
            return None
        out = np.zeros(len(self._items))
        out[self._fitted] = self._weights[rows].sum(axis=0, dtype=np.float64)
        return out

    def state_dict(self) -> State:
        """What was learned, and the weights [items, items] of the last fit."""
        return {**super().state_dict(), "weights": self._weights.copy()}

    def load_state(self, state: State) -> None:
        """Take the state over."""
        super().load_state(state)
        self._weights = state["weights"]
