"""ALS for implicit feedback, refitted every 5,000 events; a user's vector is solved for when they are asked for.

Source: Hu, Koren, Volinsky, "Collaborative filtering for implicit feedback datasets" (ICDM 2008): r events on an item
have confidence 1 + alpha r in preference 1; all else has confidence 1 in preference 0.

>>> model = ALS(every=100, n_factors=4)
>>> for number in range(50):
...     for item in ("alien", "aliens") if number % 2 else ("heidi", "lassie"):
...         model.learn_one(f"u{number}", item, 1.0)
>>> model.learn_one("me", "heidi", 1.0)
>>> model.recommend("me", k=1, exclude=["heidi"])
['lassie']
"""

from __future__ import annotations

import numpy as np
from numba import njit

from online_models.base import Floats, Id
from online_models.baselines.factors import products
from online_models.baselines.refitted import Places, Refitted
from online_models.rows import seeded_normal
from online_models.state import State


@njit(cache=True)
def solve(gram: Floats, fixed: Floats, rows: Places, extra: Floats, l2: float) -> Floats:
    """The vector [f] of one user (or item), given the other side's: Hu et al., equation 4.

    Parameters
    ----------
    gram
        fixed' fixed, [f, f].
    fixed
        The other side's vectors, [n, f].
    rows, extra
        The rows that were met, and alpha r of each.
    """
    f = fixed.shape[1]
    a = gram.copy()
    b = np.zeros(f)
    for at in range(len(rows)):
        row = fixed[rows[at]]
        for i in range(f):
            b[i] += (1.0 + extra[at]) * row[i]
            for j in range(i + 1):
                a[i, j] += extra[at] * row[i] * row[j]
    for i in range(f):  # Cholesky's decomposition in the lower half, then both substitutions
        a[i, i] += l2
        for j in range(i + 1):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            a[i, j] = np.sqrt(total) if i == j else total / a[j, j]
        for j in range(i):
            b[i] -= a[i, j] * b[j]
        b[i] /= a[i, i]
    for i in range(f - 1, -1, -1):
        for j in range(i + 1, f):
            b[i] -= a[j, i] * b[j]
        b[i] /= a[i, i]
    return b


@njit(cache=True)
def solve_all(fixed: Floats, gram: Floats, starts: Places, rows: Places, extra: Floats, l2: float) -> Floats:
    """`solve` for each of n, whose rows lie from starts[i] to starts[i + 1]: [n, f]."""
    out = np.zeros((len(starts) - 1, fixed.shape[1]))
    for at in range(len(out)):
        begin, end = starts[at], starts[at + 1]
        out[at] = solve(gram, fixed, rows[begin:end], extra[begin:end], l2)
    return out


def squares(vectors: Floats) -> Floats:
    """vectors' vectors, [f, f]."""
    return np.asarray(vectors.T @ vectors)


class ALS(Refitted):
    """Alternating least squares.

    Parameters
    ----------
    n_factors
        Length of the vectors.
    alpha, l2
        Confidence of an event, and regularisation.
    first_rounds, rounds
        Alternations in the first fit, and in later ones, which go on from the vectors there are.
    every
        Positive events between fits.
    max_users, history, max_items
        Bounds of what it is fitted to.
    seed
        Enters the vectors that items start from.
    """

    def __init__(
        self,
        *,
        n_factors: int = 32,
        alpha: float = 10.0,
        l2: float = 20.0,
        first_rounds: int = 10,
        rounds: int = 3,
        every: int = 5_000,
        max_users: int = 200_000,
        history: int = 200,
        max_items: int = 50_000,
        seed: int = 0,
    ) -> None:
        super().__init__(every, max_users, history, max_items, distinct=False, seed=seed)
        self.n_factors, self.alpha, self.l2 = n_factors, alpha, l2
        self.first_rounds, self.rounds, self.salt = first_rounds, rounds, f"{seed}:als"
        self._vectors: Floats = np.zeros((0, n_factors))
        self._gram: Floats = np.zeros((n_factors, n_factors))
        self._known: Places = np.zeros(0, np.int64)  # the places that the vectors are of

    def _fit(self, users: list[Places]) -> None:
        met = [np.unique(rows, return_counts=True) for rows in users]
        starts = np.cumsum([0, *(len(rows) for rows, _ in met)])
        rows = np.concatenate([rows for rows, _ in met])
        extra = self.alpha * np.concatenate([counts for _, counts in met]).astype(np.float64)
        of = np.repeat(np.arange(len(met)), np.diff(starts))
        by_item = np.argsort(rows, kind="stable")
        item_starts = np.searchsorted(rows[by_item], np.arange(len(self._fitted) + 1))
        rounds = self.rounds if len(self._known) else self.first_rounds
        vectors = self._begun()
        for _ in range(rounds):
            theirs = solve_all(vectors, squares(vectors), starts, rows, extra, self.l2)
            vectors = solve_all(theirs, squares(theirs), item_starts, of[by_item], extra[by_item], self.l2)
        self._vectors, self._gram, self._known = vectors, squares(vectors), self._fitted

    def _begun(self) -> Floats:
        """The vectors that a fit begins with: those there are, new ones by the items' ids."""
        out = np.zeros((len(self._fitted), self.n_factors))
        before = dict(zip(self._known.tolist(), self._vectors, strict=True))
        for at, place in enumerate(self._fitted.tolist()):
            row = before.get(place)
            out[at] = seeded_normal(self._items.names[place], self.n_factors, 0.1, self.salt) if row is None else row
        return out

    def _personal(self, user: Id, now: int) -> Floats | None:  # noqa: ARG002 - it knows no time
        rows, counts = np.unique(self._rows(self._taken.of(user)), return_counts=True)
        if not len(rows):
            return None
        mine = solve(self._gram, self._vectors, rows, self.alpha * counts.astype(np.float64), self.l2)
        out = np.zeros(len(self._items))
        out[self._fitted] = products(mine, self._vectors)
        return out

    def state_dict(self) -> State:
        """What was learned, and the items' vectors of the last fit."""
        return {**super().state_dict(), "vectors": self._vectors.copy(), "gram": self._gram.copy()}

    def load_state(self, state: State) -> None:
        """Take the state over."""
        super().load_state(state)
        self._vectors, self._gram, self._known = state["vectors"], state["gram"], self._fitted
