"""ISGD: matrix factorisation by one SGD step an event, from positive events alone.

Source: Vinagre, Jorge, Gama, "Fast incremental matrix factorization for recommendation with positive-only feedback"
(UMAP 2014): the error is 1 minus the product of both vectors, and items are ranked by how near to 1 it is. Its steps
are implicit ones here (Toulis, Airoldi, "Asymptotic and finite-sample properties of estimators based on stochastic
gradients", 2017): these never overshoot.

>>> model = ISGD(n_factors=4)
>>> for user, item in [("u1", "alien"), ("u2", "heidi")] * 30 + [("u3", "alien")]:
...     model.learn_one(user, item, 1.0)
>>> model.recommend("u1", k=1)
['alien']
"""

# ruff: noqa: ARG002 - River's protocol has arguments that not every model needs

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from online_models.base import Context, Floats, Id
from online_models.baselines.factors import Factors, products
from online_models.baselines.personal import Personal
from online_models.rows import Rows
from online_models.state import State, nested, part


class ISGD(Personal):
    """Incremental SGD.

    Parameters
    ----------
    n_factors
        Length of the vectors.
    rate, l2
        Step, and how much vectors are pulled towards 0.
    sigma
        Standard deviation of the numbers that a new vector starts from.
    max_users
        The user who learned least recently goes first.
    """

    def __init__(
        self,
        *,
        n_factors: int = 10,
        rate: float = 0.2,
        l2: float = 0.01,
        sigma: float = 0.1,
        max_users: int = 1_000_000,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        self.rate, self.l2 = rate, l2
        self._users = Rows(n_factors, max_users, sigma, f"{seed}:user")
        self._vectors = Factors(n_factors, sigma, f"{seed}:item")

    def _take(self, user: Id, place: int, weight: float, x: Context) -> None:
        if weight <= 0.0:
            return
        slot = self._users.touch(user)
        mine = self._users.data[slot, 1:]
        self._users.changed.clear()  # nobody publishes these
        theirs = self._vectors.touch(place, self._items.names[place])
        error = 1.0 - float((mine * theirs).sum())
        mine += self._step(theirs) * error * theirs - self.rate * self.l2 * mine
        theirs += self._step(mine) * error * mine - self.rate * self.l2 * theirs

    def _step(self, other: Floats) -> float:
        """The rate, less for a long vector on the other side: both steps together never go farther than to error 0 and
        as far beyond it, so nothing diverges. (With the bare rate, all was NaN after 20,000 film ratings.)"""
        return self.rate / (1.0 + self.rate * float((other * other).sum()))

    def _personal(self, user: Id, now: int) -> Floats | None:
        row = self._users.get(user)
        if row is None:
            return None
        return -np.abs(1.0 - products(row[1:].copy(), self._vectors.rows[: len(self._items)]))

    def add_item(
        self, item: Id, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None:
        """Make an item known, with its first vector."""
        place = self._place(item)
        self._vectors.touch(place, self._items.names[place])

    def state_dict(self) -> State:
        """Popularity and both tables."""
        users, items = nested("users", self._users.state()), nested("vectors", self._vectors.state())
        return {**super().state_dict(), **users, **items}

    def load_state(self, state: State) -> None:
        """Take the state over."""
        super().load_state(state)
        self._users.restore(**part("users", state))
        self._vectors.restore(part("vectors", state))
