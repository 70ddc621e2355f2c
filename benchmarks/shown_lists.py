"""Lists whose truth is known: what users look at, what they want, and when they choose it. Seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from online_models.choices import Choices
from online_models.click_features import buckets_of, columns
from online_models.click_weights import ClickWeights
from recommender.decision import Decision
from recommender.facts import Facts
from recommender.query import Parts, Recommendation, Versions

DAY_MS = 86_400_000
WORDS = ("hour:8", "weekday:0", "session:0")
Floats = npt.NDArray[Any]

START_MS = 1_700_000_000_000


def decision(
    request_id: str,
    user: str | None,
    items: Sequence[str],
    parts: Any = None,
    at: int = START_MS,
    words: Sequence[str] = WORDS,
) -> Decision:
    """A served list; `parts` [n, P]: the values of "a", "b", ... of each item (default: nothing tells them apart)."""
    values = [[float(value) for value in row] for row in parts] if parts is not None else [[1.0] for _ in items]
    names = [chr(ord("a") + column) for column in range(len(values[0]))]
    listed = [Recommendation(item, None, sum(row), []) for item, row in zip(items, values, strict=True)]
    facts = Facts(len(names), list(words), [-1] * len(items), [0.0] * len(items))
    ones = [1.0] * len(items)
    return Decision(request_id, user, at, {}, listed, Parts(names, values), ones, Versions(0, ""), facts=facts)


def tau(truth: Floats, scores: Floats) -> float:
    """Kendall's rank correlation, without ties."""
    pairs = [np.sign(values[:, None] - values[None, :])[np.triu_indices(len(values), 1)] for values in (truth, scores)]
    return float(np.mean(pairs[0] * pairs[1]))


def part(weights: ClickWeights, ids: Sequence[str], parts: Floats) -> Floats:
    names = [chr(ord("a") + column) for column in range(parts.shape[1])]
    return weights.part(buckets_of(ids), columns(names, parts, np.full(len(ids), -1), np.zeros(len(ids))), WORDS)


@dataclass
class Shop:
    """Items whose worth is known, lists that begin in exactly the wrong order, users who look at place k with 1 / k.

    blind: the learner is told of no places, as if all were looked at alike.
    """

    seed: int
    blind: bool = False
    items: int = 20
    n: int = 10
    steps: float = 0.12
    exploring: float = 0.15
    choices: Choices = field(default_factory=Choices)
    weights: ClickWeights = field(default_factory=ClickWeights)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.ids = [f"item{n}" for n in range(self.items)]
        self.truth = -self.steps * self.rng.permutation(self.items)
        self.parts = -self.truth[:, None]

    @property
    def scores(self) -> Floats:
        return np.asarray(self.parts.sum(axis=1) + part(self.weights, self.ids, self.parts))

    @property
    def learned(self) -> Floats:
        """What the model makes of the items with (nearly) all of the trust."""
        weights = ClickWeights(self.choices.model.published(self.choices.count), after=1)
        return np.asarray(self.parts.sum(axis=1) + part(weights, self.ids, self.parts))

    def run(self, lists: int, obey: bool = True) -> None:
        """Serve lists and learn; `obey`: what was learned decides on the next ones."""
        for step in range(lists):
            order = np.argsort(-(self.scores if obey else self.parts.sum(axis=1)), kind="stable")[: self.n]
            for place in np.flatnonzero(self.rng.random(self.n) < self.exploring).tolist():
                other = int(self.rng.integers(self.items))
                found = np.flatnonzero(order == other)
                if len(found):
                    order[found[0]] = order[place]
                order[place] = other
            looked = self.rng.random(self.n) < 1.0 / (1.0 + np.arange(self.n))
            wanted = self.rng.random(self.n) < np.exp(self.truth[order] - 0.7)
            request, user = f"r{step}", f"u{self.rng.integers(500)}"
            self.choices.served(decision(request, user, [self.ids[at] for at in order], self.parts[order], at=START_MS))
            if self.blind:
                self.choices.lists[request].places[:] = [0] * self.n
            for place in np.flatnonzero(looked & wanted).tolist():
                self.choices.chosen(request, user, self.ids[order[place]], 1.0)
            if step % 50 == 49:
                self.weights.take(self.choices.model.published(self.choices.count))


def late_worth(seed: int, days: int, mean_days: float, window_days: float) -> float:
    """How much more a bought item (the choice comes late) seems worth than a clicked one of the same worth, in logs.

    Steady traffic of 80 lists a day; purchases come after an exponential delay; those after the window are dropped.
    """
    rng = np.random.default_rng(seed)
    choices, pending = Choices(), list[tuple[float, int, str]]()
    per_day, items = 80, 12
    for step in range(days * per_day):
        at = step / per_day
        for due in sorted(each for each in pending if each[0] <= at):
            choices.chosen(f"r{due[1]}", f"u{due[1]}", due[2], 1.0)
        pending = [each for each in pending if each[0] > at]
        order = rng.choice(items, 6, replace=False)
        bought = (order >= items // 2).astype(float)
        names = [f"i{item}" for item in order.tolist()]
        served = decision(
            f"r{step}", f"u{step}", names, np.column_stack((bought, -bought)), START_MS + int(at * DAY_MS)
        )
        choices.served(served)
        for place in np.flatnonzero(rng.random(6) < 0.12).tolist():
            delay = rng.exponential(mean_days)
            if not bought[place]:
                choices.chosen(f"r{step}", f"u{step}", names[place], 1.0)
            elif delay <= window_days:
                pending.append((at + delay, step, names[place]))
    weights = ClickWeights(choices.model.published(choices.count), after=1)
    rows = np.array([[1.0, -1.0]] * (items // 2) + [[0.0, 0.0]] * (items // 2))
    ids = [f"i{n}" for n in range(items // 2, items)] + [f"i{n}" for n in range(items // 2)]
    worth = part(weights, ids, rows) / weights.trust
    return float(worth[: items // 2].mean() - worth[items // 2 :].mean())
