"""Items' vectors by place, and their products with a user's.

>>> factors = Factors(width=2, sigma=0.0, salt="")
>>> factors.touch(3, "alien")[:] = (1.0, 2.0)
>>> products(np.array([3.0, 4.0]), factors.rows[3:4]).tolist()
[11.0]
"""

from __future__ import annotations

import numpy as np
from numba import njit

from online_models.base import Floats, Id
from online_models.neighbours import grown
from online_models.rows import seeded_normal
from online_models.state import State


@njit(cache=True)
def products(user: Floats, items: Floats) -> Floats:
    """Dot products of a vector [f] with rows [n, f], each summed in the same order whatever n is."""
    out = np.zeros(len(items))
    for at in range(len(items)):
        total = 0.0
        for factor in range(len(user)):
            total += user[factor] * items[at, factor]
        out[at] = total
    return out


class Factors:
    """A vector for each item place, seeded by the item's id; zeros with a `sigma` of 0."""

    def __init__(self, width: int, sigma: float, salt: str) -> None:
        self.width, self.sigma, self.salt = width, sigma, salt
        self.rows: Floats = np.zeros((256, width))
        self.has = np.zeros(256, np.bool_)

    def touch(self, place: int, name: Id) -> Floats:
        """The row of the item at `place` (a view), made if need be."""
        if place >= len(self.has):
            size = max(place + 1, 2 * len(self.has))
            self.rows, self.has = grown(self.rows, size), grown(self.has, size)
        if not self.has[place]:
            self.has[place] = True
            if self.sigma:
                self.rows[place] = seeded_normal(name, self.width, self.sigma, self.salt)
        return np.asarray(self.rows[place])

    def state(self) -> State:
        """The places that have a row, and the rows."""
        held = np.flatnonzero(self.has)
        return {"places": held, "rows": self.rows[held]}

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        held = state["places"]
        size = max(256, int(held.max()) + 1 if len(held) else 0)
        self.rows, self.has = np.zeros((size, self.width)), np.zeros(size, np.bool_)
        self.rows[held], self.has[held] = state["rows"], True
