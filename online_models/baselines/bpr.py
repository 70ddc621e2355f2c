"""BPR, learned online: each event teaches that its item is preferred to some drawn ones.

Source: Rendle, Freudenthaler, Gantner, Schmidt-Thieme, "BPR: Bayesian personalized ranking from implicit feedback"
(UAI 2009), with one pass over the stream in place of sampled triples.

>>> model = BPR(n_factors=4)
>>> for user, item in [("u1", "alien"), ("u2", "heidi")] * 50:
...     model.learn_one(user, item, 1.0)
>>> model.recommend("u1", k=1)
['alien']
"""

# ruff: noqa: ARG002 - River's protocol has arguments that not every model needs

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from online_models.base import Context, Floats, Id
from online_models.baselines.factors import Factors, products
from online_models.baselines.histories import Histories
from online_models.baselines.personal import Personal
from online_models.rows import Rows
from online_models.state import State, nested, part

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mixed(number: int) -> int:
    """64 bits that look random, of a number: splitmix64 (Steele, Lea, Flood, 2014)."""
    z = (number * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class BPR(Personal):
    """Online BPR matrix factorisation with item biases.

    Parameters
    ----------
    n_factors
        Length of the vectors.
    rate, l2
        Step, and how much vectors are pulled towards 0.
    draws
        Items drawn against each event's; those that the user took lately are passed over.
    sigma
        Standard deviation of the numbers that a new vector starts from.
    max_users, history
        Bounds: users, and how many items of one are remembered as taken.
    seed
        Enters what vectors start from, and which items the n-th event draws.
    """

    def __init__(
        self,
        *,
        n_factors: int = 32,
        rate: float = 0.2,
        l2: float = 0.01,
        draws: int = 5,
        sigma: float = 0.1,
        max_users: int = 1_000_000,
        history: int = 100,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        self.rate, self.l2, self.draws = rate, l2, draws
        self._start = mixed(seed)
        self._users = Rows(n_factors, max_users, sigma, f"{seed}:user")
        # The item's bias is the factor that the user's vector meets with 1.
        self._vectors = Factors(n_factors, sigma, f"{seed}:item")
        self._biases = Factors(1, 0.0, "")
        self._taken = Histories(max_users, history, distinct=True)
        self._events = 0

    def _take(self, user: Id, place: int, weight: float, x: Context) -> None:
        if weight == 0.0:
            return
        slot = self._users.touch(user)
        mine = self._users.data[slot, 1:]
        self._users.changed.clear()  # nobody publishes these
        self._row(place)
        if weight > 0.0:
            self._taken.add(user, place)
        taken = self._taken.of(user)
        for other in self._drawn(place):
            # A dislike teaches the reverse; what the user took lately is preferred to it, all else tells nothing.
            better, worse = (place, other) if weight > 0.0 else (other, place)
            if (other in taken) != (weight > 0.0):
                self._step(mine, better, worse)
        self._events += 1

    def _drawn(self, place: int) -> Iterator[int]:
        """Other items for the event in hand; none while there is only one."""
        n = len(self._items)
        for draw in range(self.draws):
            other = mixed(self._start + self._events * self.draws + draw) % n
            if other != place:
                self._row(other)
                yield other

    def _step(self, mine: Floats, better: int, worse: int) -> None:
        good, bad = self._vectors.rows[better], self._vectors.rows[worse]
        biases = self._biases.rows
        apart, before = good - bad, mine.copy()
        margin = float((mine * apart).sum() + biases[better, 0] - biases[worse, 0])
        # Less of a step for long vectors (a quarter bounds the loss's curvature in the margin): so nothing diverges.
        reach = float((apart * apart).sum() + 2.0 * (mine * mine).sum()) + 2.0
        slope = self.rate / (1.0 + np.exp(min(margin, 500.0))) / (1.0 + self.rate * reach / 4.0)
        shrink = self.rate * self.l2
        mine += slope * apart - shrink * mine
        good += slope * before - shrink * good
        bad -= slope * before + shrink * bad
        biases[better, 0] += slope - shrink * biases[better, 0]
        biases[worse, 0] -= slope + shrink * biases[worse, 0]

    def _row(self, place: int) -> None:
        self._vectors.touch(place, self._items.names[place])
        self._biases.touch(place, 0)

    def _personal(self, user: Id, now: int) -> Floats | None:
        row, n = self._users.get(user), len(self._items)
        if row is None:
            return None
        return np.asarray(products(row[1:].copy(), self._vectors.rows[:n]) + self._biases.rows[:n, 0])

    def add_item(
        self, item: Id, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None:
        """Make an item known, with its first vector."""
        self._row(self._place(item))

    def state_dict(self) -> State:
        """Popularity, all tables, what users took, and how many events there were."""
        parts = {
            "users": self._users.state(),
            "vectors": self._vectors.state(),
            "biases": self._biases.state(),
            "taken": self._taken.state(),
        }
        out = {**super().state_dict(), "events": self._events}
        for name, state in parts.items():
            out.update(nested(name, state))
        return out

    def load_state(self, state: State) -> None:
        """Take the state over."""
        super().load_state(state)
        self._users.restore(**part("users", state))
        self._vectors.restore(part("vectors", state))
        self._biases.restore(part("biases", state))
        self._taken.restore(part("taken", state))
        self._events = state["events"]
