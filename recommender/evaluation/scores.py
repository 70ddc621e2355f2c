"""Sums over ranked events, and the measures they give (formulas and sources: docs/evaluation.md)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Id = Hashable


@dataclass(frozen=True, slots=True)
class Ranked:
    """One predicted event.

    number: of the event in the stream, from 0. at: its event time in ms, if it has one. place: the target's in the list
    (0 first), behind all that tie with it; None if it is not in it. shown: the list, best first. diversity, novelty,
    popularity: of the list; None where nothing can be said.
    """

    number: int
    user: Id
    item: Id
    at: int | None
    place: int | None
    shown: Sequence[Id]
    cold_item: bool
    cold_user: bool
    diversity: float | None
    novelty: float | None
    popularity: float | None

    @property
    def gain(self) -> float:
        """The list's NDCG: with one right item the ideal is 1. Jarvelin, Kekalainen (2002)."""
        return 0.0 if self.place is None else 1.0 / math.log2(self.place + 2)

    @property
    def reciprocal(self) -> float:
        """1 / rank, 0 for a miss."""
        return 0.0 if self.place is None else 1.0 / (self.place + 1)


@dataclass(slots=True)
class Mean:
    """A mean of what was measured, with its standard error."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float | None) -> None:
        """Count a value; None: there is none."""
        if value is not None:
            self.n += 1
            self.total += value
            self.squares += value * value

    @property
    def value(self) -> float | None:
        """The mean; None of nothing."""
        return self.total / self.n if self.n else None

    @property
    def error(self) -> float | None:
        """The mean's standard error, as if the values were independent; None of fewer than two."""
        if self.n < 2:
            return None
        return math.sqrt(max(0.0, self.squares - self.total**2 / self.n) / (self.n - 1) / self.n)


@dataclass(slots=True)
class Scores:
    """Sums over the events of one slice."""

    k: int
    hits: Mean = field(default_factory=Mean)
    gain: Mean = field(default_factory=Mean)
    reciprocal: Mean = field(default_factory=Mean)
    diversity: Mean = field(default_factory=Mean)
    novelty: Mean = field(default_factory=Mean)
    popularity: Mean = field(default_factory=Mean)
    shown: Counter[Id] = field(default_factory=Counter)

    @property
    def events(self) -> int:
        """How many events were ranked."""
        return self.hits.n

    def add(self, ranked: Ranked) -> None:
        """Count one event."""
        self.hits.add(float(ranked.place is not None))
        self.gain.add(ranked.gain)
        self.reciprocal.add(ranked.reciprocal)
        self.diversity.add(ranked.diversity)
        self.novelty.add(ranked.novelty)
        self.popularity.add(ranked.popularity)
        self.shown.update(ranked.shown)

    def as_dict(self, known: int) -> dict[str, Any]:
        """The measures by name; None where nothing was measured. `known`: how many items there are.

        With one right item in a list of k, precision is hits / k, recall is the hit rate, and F1 their harmonic mean.
        """
        k, rate = self.k, self.hits.value
        return {
            f"hr@{k}": rate,
            f"ndcg@{k}": self.gain.value,
            f"mrr@{k}": self.reciprocal.value,
            f"precision@{k}": None if rate is None else rate / k,
            f"recall@{k}": rate,
            f"f1@{k}": None if rate is None else 2.0 * rate / (k + 1),
            f"coverage@{k}": len(self.shown) / known if self.events and known else None,
            f"diversity@{k}": self.diversity.value,
            f"novelty@{k}": self.novelty.value,
            f"popularity@{k}": self.popularity.value,
            f"gini@{k}": gini(self.shown.values(), known) if self.shown else None,
            "events": self.events,
            "errors": {f"hr@{k}": self.hits.error, f"ndcg@{k}": self.gain.error},
        }


def gini(counts: Iterable[int], n: int) -> float:
    """Gini's coefficient of `counts` among `n` items (those without a count have 0): 0 all alike, 1 one has all.

    Sum of (2 i - n - 1) x_i over i = 1..n in ascending order, by n times the sum of x.

    >>> gini([2, 2], 2), gini([4], 4)
    (0.0, 0.75)
    """
    rising = np.sort(np.fromiter(counts, np.float64))
    places = np.arange(n - len(rising) + 1, n + 1)
    return float(((2.0 * places - n - 1.0) * rising).sum() / (n * rising.sum()))
