"""The click model's part of a score: what was learned from lists as they were shown, and what came of them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from online_models.click_features import buckets_of, columns
from online_models.click_weights import ClickWeights
from recommender.facts import Facts, session_length, words_of
from recommender.numbering import Array, Names, fitted
from recommender.ranking import Scored
from recommender.read_model import ReadModel
from serving.ask import Ask

CLICK_MODEL: Final = "click_model"
UNIT: Final = 1e9
"""In parts of it the counts that are recorded are whole."""


class Clicked:
    """Adds the part to what the blend scored, and tells what has to be recorded so that the model can learn."""

    def __init__(self, model: ReadModel, weights: ClickWeights | None = None) -> None:
        self._model = model
        self.weights = weights or ClickWeights()
        self._buckets: Array = np.zeros(0, np.int64)
        self._turns = 0

    @property
    def version(self) -> int:
        """The version of the weights in force; 0 while the model has no say."""
        return self.weights.version

    def add(self, ask: Ask, numbers: Array, scored: Scored) -> None:
        """Add the part to the candidates `numbers` [n], whose score is the sum of their parts so far."""
        if self.weights.version and len(numbers):
            ages, counts = self._known(ask, numbers)
            known = columns(scored.names, scored.values, ages, counts)
            scored.add(CLICK_MODEL, self.weights.part(self._buckets_of(numbers), known, self._words(ask)))

    def facts(self, ask: Ask, scored: Scored, numbers: Array) -> Facts:
        """What is recorded of a list of the items `numbers` [n] besides the parts of `scored`."""
        ages, counts = self._known(ask, numbers)
        return Facts(scored.base, list(self._words(ask)), ages.tolist(), (np.rint(counts * UNIT) / UNIT).tolist())

    def _known(self, ask: Ask, numbers: Array) -> tuple[Array, Array]:
        counts = self._model.counts
        ages = ages_of(numbers, counts.birth, self._model.catalogue.announcements(), ask.now_ms)
        return np.asarray(ages), counts.counted[numbers]

    def _buckets_of(self, numbers: Array) -> Array:
        """The buckets of items; each is looked up once, until numbers are given to others."""
        numbering = self._model.numbering
        if numbering.turns != self._turns:
            self._turns = numbering.turns
            self._buckets[:] = -1
        self._buckets = fitted(self._buckets, len(numbering), -1)
        fresh = numbers[self._buckets[numbers] < 0]
        if len(fresh):
            self._buckets[fresh] = buckets_of(Names(numbering, fresh))
        return np.asarray(self._buckets[numbers])

    def _words(self, ask: Ask) -> tuple[str, ...]:
        return words_of(ask.wall_ms, ask.query.context, session_length(ask.history.times, ask.now_ms))


@njit(cache=True)
def ages_of(numbers: Array, birth: Array, announced: Array, now_ms: int) -> Array:
    """How long ago items were announced or had their first event, -1 where neither is known (both 0)."""
    ages = np.empty(len(numbers), np.int64)
    for at, number in enumerate(numbers):
        first, told = birth[number], announced[number]
        born = min(first, told) if first and told else first + told
        ages[at] = max(now_ms - born, 0) if born else -1
    return ages
