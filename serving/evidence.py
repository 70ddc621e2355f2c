"""What is known of candidates when a question is asked, as the features take it: counts, read-out, vectors, history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedding_worker.vector_index import VectorIndex
from online_models.covisits import READINGS
from online_models.features import (
    AGE_MS,
    CONTENT,
    COUNT,
    IDLE_MS,
    MF,
    OWN_IDLE_MS,
    OWN_INTERVAL_MS,
    OWN_PLACE,
    OWN_TIMES,
    OWN_WEIGHT,
    TREND,
    WEIGHT,
    no_evidence,
)
from online_models.own_items import INTERVAL, LAST, PLACE, TIMES, OwnItems
from online_models.own_items import WEIGHT as LAST_WEIGHT
from online_models.readout import Found
from online_models.vector_space import LONG, likeness_of
from recommender.numbering import Array
from recommender.read_model import ReadModel
from serving.ask import Ask

Floats = npt.NDArray[np.float64]
Mf = Callable[[str, Sequence[str]], Floats | None]
"""River's matrix factorisation: what it adds for a user and items by id, [n]; None while nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Known:
    """The evidence of candidates, [n, FACTS], and their cosines to the long-term interest, if there is one."""

    evidence: Floats
    likeness: Floats | None


class Gathering:
    """Gathers evidence; keeps a work table between calls. One thread at a time."""

    def __init__(self, model: ReadModel, index: Callable[[], VectorIndex | None]) -> None:
        self._model = model
        self._index = index
        self._own = OwnItems()

    def of(self, ask: Ask, numbers: Array, ids: Sequence[str], found: Found, mf: Mf | None) -> Known:
        """The evidence of the candidates `numbers`, whose ids are `ids`."""
        counts = self._model.counts
        evidence = no_evidence(len(numbers))
        evidence[:, :READINGS] = self._readings(numbers, found)
        evidence[:, TREND : TREND + 4] = counts.trends(numbers)
        evidence[:, COUNT], evidence[:, WEIGHT] = counts.counted[numbers], counts.count[numbers]
        last, birth = counts.last[numbers], counts.birth[numbers]
        announced = self._model.catalogue.announced(numbers)
        born = np.where(birth == 0, announced, np.where(announced == 0, birth, np.minimum(birth, announced)))
        evidence[:, IDLE_MS] = np.where(last == 0, -1, np.maximum(ask.now_ms - last, 0))
        evidence[:, AGE_MS] = np.where(born == 0, -1, np.maximum(ask.now_ms - born, 0))
        likeness = self._likeness(ask, ids)
        if likeness is not None:
            evidence[:, CONTENT : CONTENT + 3] = likeness
        added = mf(ask.query.user_id or "", ids) if mf is not None else None
        if added is not None:
            evidence[:, MF] = added
        self._fill_own(ask, numbers, evidence)
        return Known(evidence, None if likeness is None else likeness[:, 0])

    def _readings(self, numbers: Array, found: Found) -> Floats:
        places = np.full(len(self._model.counts.count), -1, np.int64)
        places[found.numbers] = np.arange(len(found.numbers))
        known = places[numbers]
        readings = np.zeros((len(numbers), READINGS))
        readings[known >= 0] = found.values[known[known >= 0]]
        return readings

    def _likeness(self, ask: Ask, ids: Sequence[str]) -> Floats | None:
        """Cosines to the user's interests, [n, 3]; None if none of their items has a vector."""
        index = self._index()
        if index is None or not len(index) or not len(ask.ring):
            return None
        names = self._model.numbering.ids
        ring, held = index.vectors([names[number] for number in ask.ring])
        if not held.any():
            return None
        vectors, known = index.vectors(ids)
        rows = np.where(known, np.arange(len(ids)), -1)
        return np.asarray(likeness_of(vectors, rows, ring[held][:LONG], index.mean.astype(np.float64)))

    def _fill_own(self, ask: Ask, numbers: Array, evidence: Floats) -> None:
        history = ask.history
        if not len(history):
            return
        size = len(self._model.counts.count)
        self._own.read(history.items.astype(np.int64), history.times.astype(np.int64), history.weights, size)
        own = self._own.table[numbers]
        self._own.clear()
        had = own[:, PLACE] >= 0.0
        evidence[:, OWN_PLACE] = own[:, PLACE]
        evidence[had, OWN_TIMES] = own[had, TIMES]
        evidence[had, OWN_IDLE_MS] = np.maximum(ask.now_ms - own[had, LAST], 0.0)
        evidence[had, OWN_INTERVAL_MS] = own[had, INTERVAL]
        evidence[had, OWN_WEIGHT] = own[had, LAST_WEIGHT]
