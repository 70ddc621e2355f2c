"""The blend: an online conditional logit that learns how much each part of a score is worth.

Given the candidates' features X [n, F], the chance that the user takes row r is softmax(X w)[r] (McFadden,
"Conditional logit analysis of qualitative choice behavior", 1974). The features are logs, so the parts multiply, and a
score is a sum of weight times feature that can be shown part by part.

Each event is one Newton step up the gradient g = X[r] - sum_j p_j X[j], with the inverse of the sum of g g' as the
metric (Hazan, Agarwal, Kale, "Logarithmic regret algorithms for online convex optimization", 2007: the online Newton
step). Many features say nearly the same, and a step by coordinates alone (Adagrad) takes thousands of events to share
the weight out among them. The metric never closes: a little is added to it at each event, as if the weights walked at
random, so that they follow a drift (the Kalman filter's prediction step).

The weights in force for a user are the sum of three tables: common ones, those of a bucket of history lengths, and
those of a bucket of gaps since the user's last event: what a newcomer takes next is told by other signs than what a
regular does, and within a session by others than on the next day.

>>> blend = Blend(["likes", "noise"], {"likes": 1.0})
>>> features = np.array([[0.0, 1.0], [1.0, 0.0]])
>>> blend.score(features).tolist()
[0.0, 1.0]
>>> round(blend.learn(features, target_row=0), 3)
0.269
>>> blend.weights()["noise"] > 0.0, blend.version
(True, 1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.sessions import GAP_MS, NONE
from online_models.state import State

Floats = npt.NDArray[np.float64]

BUCKETS: Final = (0, 1, 3, 10)
"""Lower bounds of the history lengths that have weights of their own."""
GAPS_MS: Final = (0.0, float(GAP_MS), 86_400_000.0)
"""Lower bounds of the gaps that have weights of their own; before them, those of users without a history."""
TABLES: Final = 1 + len(BUCKETS) + 1 + len(GAPS_MS)
OPEN: Final = 1.0 / 3.0
"""The metric to begin with, and the most it opens again on its diagonal."""
WALK: Final = 1e-5
"""What is added to the metric's diagonal at each event."""
BUCKET_SHARE: Final = 0.3
"""How far the tables of buckets go of a whole step."""


@njit(cache=True)
def _scores(features: Floats, weights: Floats) -> Floats:
    # A loop, not BLAS: a row's score must not depend on which other rows it came with.
    n, width = features.shape
    out = np.empty(n)
    for row in range(n):
        total = 0.0
        for f in range(width):
            total += features[row, f] * weights[f]
        out[row] = total
    return out


@njit(cache=True)
def _gradient(features: Floats, target: int, weights: Floats) -> tuple[Floats, float]:
    """The gradient of the log chance of the target, and that chance."""
    n, width = features.shape
    scores = _scores(features, weights)
    highest = scores.max()
    gradient = np.zeros(width)
    norm = 0.0
    for row in range(n):
        share = np.exp(scores[row] - highest)
        norm += share
        for f in range(width):
            gradient[f] -= share * features[row, f]
    for f in range(width):
        gradient[f] = gradient[f] / norm + features[target, f]
    return gradient, float(np.exp(scores[target] - highest) / norm)


@njit(cache=True)
def _newton(gradient: Floats, table: Floats, metric: Floats, share: float, walk: float, most: float) -> None:
    """One step of a table, and its metric's update by Sherman and Morrison's formula."""
    width = len(gradient)
    direction = np.zeros(width)
    along = 0.0
    for f in range(width):
        total = 0.0
        for k in range(width):
            total += metric[f, k] * gradient[k]
        direction[f] = total
        along += total * gradient[f]
    shrink = 1.0 / (1.0 + along)
    for f in range(width):
        for k in range(width):
            metric[f, k] -= direction[f] * direction[k] * shrink
        if metric[f, f] < most:
            metric[f, f] += walk
        table[f] += share * direction[f] * shrink


@njit(cache=True)
def _step(features: Floats, target: int, tables: Floats, metrics: Floats, places: npt.NDArray[np.int64]) -> float:
    """A step of the common table and those of the buckets; returns the chance that was given to the target."""
    weights = tables[places[0]] + tables[places[1]] + tables[places[2]]
    gradient, chance = _gradient(features, target, weights)
    for at in range(3):
        share = 1.0 if at == 0 else BUCKET_SHARE
        _newton(gradient, tables[places[at]], metrics[places[at]], share, WALK, OPEN)
    return chance


class Blend:
    """Weights over named parts, learned from what was taken out of what could have been.

    Parameters
    ----------
    names
        The parts, in the order of the features' columns.
    start
        Weights to begin with; 0 for names it leaves out.

    Attributes
    ----------
    version
        How many events the weights come from.
    """

    def __init__(self, names: Sequence[str], start: Mapping[str, float] | None = None) -> None:
        start = start or {}
        unknown = sorted(set(start) - set(names))
        if unknown:
            raise ValueError(f"start has weights for unknown parts: {', '.join(unknown)}")
        self.names = tuple(names)
        self.version = 0
        self._tables = np.zeros((TABLES, len(self.names)))
        self._tables[0] = [start.get(name, 0.0) for name in self.names]
        self._metrics = np.tile(OPEN * np.eye(len(self.names)), (TABLES, 1, 1))

    def score(self, features: Floats, history: int = 0, gap_ms: float = NONE) -> Floats:
        """The score of each candidate.

        Parameters
        ----------
        features
            [n, F] float64, columns as in `names`.
        history
            How many interactions the user has had.
        gap_ms
            Time since the last of them; negative if there is none.

        Returns
        -------
        [n] float64: the sum of `parts` over the columns.

        Raises
        ------
        ValueError
            If `features` does not have F columns.
        """
        self._check(features)
        return np.asarray(_scores(features, self.vector(history, gap_ms)))

    def parts(self, features: Floats, history: int = 0, gap_ms: float = NONE) -> Floats:
        """What each part adds to each candidate's score, [n, F]."""
        self._check(features)
        return features * self.vector(history, gap_ms)

    def learn(self, features: Floats, target_row: int, history: int = 0, gap_ms: float = NONE) -> float:
        """Learn that the user took row `target_row` out of `features` [n, F].

        Returns
        -------
        The chance that the target had before.

        Raises
        ------
        ValueError
            If `features` does not have F columns, or holds a number that is not finite: nothing is learned then.
        IndexError
            If there is no such row.
        """
        self._check(features)
        if not 0 <= target_row < len(features):
            raise IndexError(f"no row {target_row} among {len(features)}")
        if not np.isfinite(features).all():
            raise ValueError("features must be finite")
        chance = _step(features, target_row, self._tables, self._metrics, tables_of(history, gap_ms))
        self.version += 1
        return float(chance)

    def weights(self, history: int = 0, gap_ms: float = NONE) -> dict[str, float]:
        """The weights in force for a user with that many interactions and that gap, by name."""
        return dict(zip(self.names, self.vector(history, gap_ms).tolist(), strict=True))

    def vector(self, history: int = 0, gap_ms: float = NONE) -> Floats:
        """The same in the order of `names`, [F]."""
        places = tables_of(history, gap_ms)
        # In the order in which `_step` adds them.
        return np.asarray(self._tables[places[0]] + self._tables[places[1]] + self._tables[places[2]])

    def published(self) -> State:
        """What `take_published` of a reader needs: names, weights by table, version."""
        return {"names": list(self.names), "tables": self._tables.copy(), "version": self.version}

    def state_dict(self) -> State:
        """Names, weights (common first, then by bucket), their metrics, version."""
        return {**self.published(), "metrics": self._metrics.copy()}

    def take_published(self, state: State) -> None:
        """Take over the weights that another blend published; this one's metrics stay as they are.

        Raises
        ------
        ValueError
            If the buckets differ.
        """
        tables = np.asarray(state["tables"], np.float64)
        if len(tables) != len(self._tables):
            raise ValueError(f"state has {len(tables)} tables, this code has {len(self._tables)}")
        here, there = self._shared(state)
        self._tables[:, here] = tables[:, there]
        self.version = int(state["version"])

    def load_state(self, state: State) -> None:
        """Take over what `state_dict` gave; parts that are new since then keep their start weights.

        Raises
        ------
        ValueError
            If the buckets differ.
        """
        self.take_published(state)
        here, there = self._shared(state)
        self._metrics[:, here[:, None], here] = state["metrics"][:, there[:, None], there]

    def _shared(self, state: State) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Columns of the parts that both this blend and a state have, here and there."""
        columns = {name: column for column, name in enumerate(state["names"])}
        pairs = [(column, columns[name]) for column, name in enumerate(self.names) if name in columns]
        return tuple(np.array(pairs, np.int64).reshape(-1, 2).T)  # type: ignore[return-value]

    def _check(self, features: Floats) -> None:
        if features.ndim != 2 or features.shape[1] != len(self.names):
            raise ValueError(f"features must be [n, {len(self.names)}], got {list(features.shape)}")


def bucket(history: int) -> int:
    """Which of `BUCKETS` a history of that length falls in."""
    return sum(history >= bound for bound in BUCKETS) - 1


def tables_of(history: int, gap_ms: float) -> npt.NDArray[np.int64]:
    """The three tables whose sum is in force."""
    gap = sum(gap_ms >= bound for bound in GAPS_MS)
    return np.array([0, 1 + bucket(history), 1 + len(BUCKETS) + gap], np.int64)
