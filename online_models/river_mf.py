"""River's matrix factorisations, made safe for a stream that never ends.

`BiasedMF` and `FunkMF` hold River's own models: River's `learn_one`, its loss and its SGD do the learning. Only the
four tables that River keeps its rows in are replaced, by ones (`rows.py`) that are read without a trace, start a row
from a hash of its id, are bounded, and lie in one matrix, so that hundreds of items are scored in microseconds
(River alone: 6 ms for 1,682) and changed rows can be published one by one.

Sources: Paterek, "Improving regularized singular value decomposition for collaborative filtering" (2007); Funk,
"Netflix update: try this at home" (2006); river.reco.BiasedMF and river.reco.FunkMF.

>>> model = BiasedMF(n_factors=4)
>>> for user, item, y in (("u1", "alien", 2.0), ("u1", "heidi", -2.0), ("u2", "alien", 2.0)):
...     model.learn_one(user, item, y)
>>> model.recommend("u2", k=2)
['alien', 'heidi']
"""

# ruff: noqa: ARG002 - River's protocol has arguments that not every model needs

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from river import optim, reco

from online_models.base import Context, Floats, Id, OnlineRanker
from online_models.rows import Rows
from online_models.state import State, nested, part


@njit(cache=True)
def _scores(mean: float, user: Floats, items: Floats, slots: npt.NDArray[np.int64]) -> Floats:
    """mean + biases + dot product for the given rows; one order of summing, so every caller gets the same bits."""
    out = np.empty(len(slots))
    for at in range(len(slots)):
        row = items[slots[at]]
        total = 0.0
        for factor in range(1, len(user)):
            total += user[factor] * row[factor]
        out[at] = mean + user[0] + row[0] + total
    return out


class _RiverMF(OnlineRanker):
    """What both factorisations share; `river` is River's model."""

    river: reco.BiasedMF | reco.FunkMF

    def __init__(self, n_factors: int, sigma: float, max_users: int, max_items: int, seed: int) -> None:
        super().__init__(seed=seed)
        if min(n_factors, max_users, max_items) < 1:
            raise ValueError("n_factors, max_users and max_items must be at least 1")
        self.n_factors, self.sigma, self.max_users, self.max_items = n_factors, sigma, max_users, max_items
        self.users = Rows(n_factors, max_users, sigma, f"{seed}:user")
        self.items = Rows(n_factors, max_items, sigma, f"{seed}:item")

    def _learn(self, user: Id, item: Id, weight: float, x: Context) -> None:
        self.users.touch(user)
        self.items.touch(item)
        self.river.learn_one(user, item, weight)  # type: ignore[no-untyped-call]

    def _mean(self) -> float:
        return 0.0

    def score_items(self, user: Id, items: Iterable[Id]) -> Floats:
        """What `predict_one` says of each item, [n]: the fast way to score candidates."""
        places = [self.items.slots.get(item, -1) for item in items]
        slots = np.array(places, np.int64)
        out = _scores(self._mean(), self._user_row(user), self.items.data, np.maximum(slots, 0))
        if -1 in places:
            empty = np.zeros((1, 1 + self.n_factors))
            out[slots < 0] = _scores(self._mean(), self._user_row(user), empty, np.zeros(1, np.int64))[0]
        return np.asarray(out)

    def user_level(self, user: Id) -> float:
        """What a user gives to an item that nothing is known of."""
        return self._mean() + float(self._user_row(user)[0])

    def _user_row(self, user: Id) -> Floats:
        row = self.users.get(user)
        return np.zeros(1 + self.n_factors) if row is None else row

    def predict_one(self, user: Id, item: Id, x: Context | None = None) -> float:  # type: ignore[override]
        """River's prediction; an unknown id has bias 0 and the zero vector, the mean of what it would start from."""
        return float(self.score_items(user, (item,))[0])

    def known(self) -> Sequence[Id]:
        """Every item that has a row."""
        return list(self.items.slots)

    def scores(self, user: Id, at: int | None = None) -> Floats:
        """The prediction for every known item, [n]; time does not matter."""
        slots = np.fromiter(self.items.slots.values(), np.int64, len(self.items))
        return np.asarray(_scores(self._mean(), self._user_row(user), self.items.data, slots))

    def add_item(
        self, item: Id, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None:
        """Give an item its row before its first event."""
        self.items.touch(item)

    def forget_user(self, user: Id) -> None:
        """Drop the user's row."""
        self.users.remove(user)

    def changed_users(self) -> list[Hashable]:
        """Users whose rows were made, changed or evicted since `mark_published`, in that order."""
        return list(self.users.changed)

    def changed_items(self) -> list[Hashable]:
        """Items whose rows were made, changed or evicted since `mark_published`, in that order."""
        return list(self.items.changed)

    def mark_published(self) -> None:
        """The changed rows are written: start collecting anew."""
        self.users.changed.clear()
        self.items.changed.clear()

    def mark_unpublished(self) -> None:
        """What was written is lost: every row is to be written again."""
        for rows in (self.users, self.items):
            rows.changed.update(dict.fromkeys(rows.slots))

    def user_rows(self, users: Iterable[Hashable]) -> dict[Hashable, Floats | None]:
        """Rows to publish, [1 + n_factors], bias first; None for a user who has none (any more)."""
        return self.users.export(users)

    def item_rows(self, items: Iterable[Hashable]) -> dict[Hashable, Floats | None]:
        """Rows to publish, [1 + n_factors], bias first; None for an item that has none (any more)."""
        return self.items.export(items)

    def state_dict(self) -> State:
        """Both tables in float64, so that a loaded model goes on to the same bits."""
        return {**nested("users", self.users.state()), **nested("items", self.items.state())}

    def load_state(self, state: State) -> None:
        """Take both tables over."""
        self.users.restore(**part("users", state))
        self.items.restore(**part("items", state))


class BiasedMF(_RiverMF):
    """River's `BiasedMF`: global mean + user's bias + item's bias + dot product of their vectors.

    Parameters
    ----------
    n_factors
        Length of the vectors.
    bias_rate, latent_rate
        Learning rates of River's SGD for biases and vectors.
    l2_bias, l2_latent
        How much both are pulled towards 0.
    sigma
        Standard deviation of the numbers that a new row starts from.
    max_users, max_items
        Bounds of the tables; the row that learned least recently goes first.
    seed
        Enters the hash that new rows come from.
    """

    river: reco.BiasedMF

    def __init__(
        self,
        *,
        n_factors: int = 10,
        bias_rate: float = 0.025,
        latent_rate: float = 0.025,
        l2_bias: float = 0.0,
        l2_latent: float = 0.0,
        sigma: float = 0.1,
        max_users: int = 1_000_000,
        max_items: int = 1_000_000,
        seed: int = 0,
    ) -> None:
        super().__init__(n_factors, sigma, max_users, max_items, seed)
        self.bias_rate, self.latent_rate, self.l2_bias, self.l2_latent = bias_rate, latent_rate, l2_bias, l2_latent
        self.river = reco.BiasedMF(
            n_factors=n_factors,
            bias_optimizer=optim.SGD(bias_rate),
            latent_optimizer=optim.SGD(latent_rate),
            l2_bias=l2_bias,
            l2_latent=l2_latent,
            seed=seed,
        )
        tables: Any = self.river
        tables.u_biases, tables.u_latents = self.users.bias, self.users.factors
        tables.i_biases, tables.i_latents = self.items.bias, self.items.factors

    def _mean(self) -> float:
        return float(self.river.global_mean.get())

    def state_dict(self) -> State:
        """Both tables and the global mean."""
        mean = self.river.global_mean
        return {**super().state_dict(), "mean": np.array([mean.n, mean.get()], np.float64)}

    def load_state(self, state: State) -> None:
        """Take tables and mean over."""
        super().load_state(state)
        seen, value = (float(number) for number in state["mean"])
        self.river.global_mean = type(self.river.global_mean)()
        if seen:
            # The first value has the whole weight, so the mean is this value to the bit.
            self.river.global_mean.update(value, seen)


class FunkMF(_RiverMF):
    """River's `FunkMF`: the dot product of the user's and the item's vectors.

    Parameters are those of `BiasedMF`; there are no biases.
    """

    river: reco.FunkMF

    def __init__(
        self,
        *,
        n_factors: int = 10,
        latent_rate: float = 0.1,
        l2_latent: float = 0.0,
        sigma: float = 0.1,
        max_users: int = 1_000_000,
        max_items: int = 1_000_000,
        seed: int = 0,
    ) -> None:
        super().__init__(n_factors, sigma, max_users, max_items, seed)
        self.latent_rate, self.l2_latent = latent_rate, l2_latent
        self.river = reco.FunkMF(n_factors=n_factors, optimizer=optim.SGD(latent_rate), l2=l2_latent, seed=seed)
        tables: Any = self.river
        tables.u_latents, tables.i_latents = self.users.factors, self.items.factors
