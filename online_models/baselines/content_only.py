"""What an item is about, and nothing else: the cosine of its vector to the mean of the user's last items.

The mean item vector is taken off both sides' mean, as else every user is mostly alike.

>>> model = ContentOnly()
>>> for item, vector in (("alien", [1.0, 0.0]), ("aliens", [0.9, 0.1]), ("heidi", [0.0, 1.0])):
...     model.add_item(item, vector=vector)
>>> model.learn_one("u1", "alien", 1.0)
>>> model.recommend("u1", k=1, exclude=["alien"])
['aliens']
"""

# ruff: noqa: ARG002 - River's protocol has arguments that not every model needs

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from online_models.base import Context, Floats, Id
from online_models.baselines.factors import products
from online_models.baselines.histories import Histories
from online_models.baselines.personal import Personal
from online_models.neighbours import grown
from online_models.state import State, nested, part


class ContentOnly(Personal):
    """Nearest to the mean of the user's last liked items, by vector.

    Parameters
    ----------
    newest
        So many of the user's last items make up the mean.
    max_users
        The user who liked something least recently goes first.
    """

    def __init__(self, *, newest: int = 20, max_users: int = 1_000_000, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self._taken = Histories(max_users, newest)
        self._vectors: Floats = np.zeros((0, 0))
        self._has = np.zeros(0, np.bool_)
        self._sum: Floats = np.zeros(0)

    def _take(self, user: Id, place: int, weight: float, x: Context) -> None:
        if weight > 0.0:
            self._taken.add(user, place)

    def _personal(self, user: Id, now: int) -> Floats | None:
        known = [place for place in self._taken.of(user) if place < len(self._has) and self._has[place]]
        if not known:
            return None
        interest = self._vectors[known].mean(axis=0) - self._sum / self._has.sum()
        length = float(np.sqrt((interest * interest).sum()))
        if length < 1e-12:
            return None
        return np.asarray(products(interest / length, self._vectors[: len(self._items)]))

    def add_item(
        self, item: Id, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None:
        """Make an item known, with its vector.

        Raises
        ------
        ValueError
            If the vector is not finite, is zero, or has another length than those before it; nothing was learned then.
        """
        unit = None if vector is None else self._unit(vector)
        place = self._place(item)
        if unit is None:
            return
        if not len(self._sum):
            self._sum, self._vectors = np.zeros(len(unit)), np.zeros((len(self._has), len(unit)))
        if place >= len(self._has):
            size = max(256, 2 * place)
            self._vectors, self._has = grown(self._vectors, size), grown(self._has, size)
        self._sum += unit - self._vectors[place]
        self._vectors[place], self._has[place] = unit, True

    def _unit(self, vector: npt.ArrayLike) -> Floats:
        values = np.asarray(vector, np.float64)
        if values.ndim != 1 or not np.isfinite(values).all() or not values.any():
            raise ValueError("a vector must be a row of finite numbers, not all 0")
        if len(self._sum) not in {0, len(values)}:
            raise ValueError(f"a vector must have {len(self._sum)} numbers like those before it, got {len(values)}")
        values = values / np.abs(values).max()  # so that no square overflows
        return np.asarray(values / np.sqrt((values * values).sum()))

    def state_dict(self) -> State:
        """Popularity, what users took, and the vectors."""
        held = np.flatnonzero(self._has)
        taken = nested("taken", self._taken.state())
        return {**super().state_dict(), **taken, "held": held, "vectors": self._vectors[held], "sum": self._sum.copy()}

    def load_state(self, state: State) -> None:
        """Take the state over."""
        super().load_state(state)
        self._taken.restore(part("taken", state))
        held, self._sum = state["held"], state["sum"]
        size = int(held.max()) + 1 if len(held) else 0
        self._vectors, self._has = np.zeros((size, len(self._sum))), np.zeros(size, np.bool_)
        self._vectors[held], self._has[held] = state["vectors"], True
