"""What is known of candidates when a question is asked, as the features take it: counts, read-out, vectors, history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from online_models.features import CONTENT, MF, clear_evidence, no_evidence
from online_models.gather import gather_sums
from online_models.own_items import OwnItems
from online_models.readout import Found
from online_models.vector_space import LONG, likeness_of
from recommender.numbering import Array, Names
from recommender.read_model import ReadModel
from serving.ask import Ask
from serving.item_vectors import ItemVectors, Located

Floats = npt.NDArray[np.float64]
Mf = Callable[[str, Names], Floats | None]
"""River's matrix factorisation: what it adds for a user and items by id, [n]; None while nothing is known of it."""

_ROOM: Final = 1024
"""Work space for so many candidates is kept from the start."""


@dataclass(frozen=True, slots=True)
class Known:
    """The evidence of candidates, [n, FACTS], and their cosines to the long-term interest, if there is one."""

    evidence: Floats
    likeness: Floats | None


class Gathering:
    """Gathers evidence; keeps work tables between calls. One thread at a time."""

    def __init__(self, model: ReadModel, vectors: ItemVectors) -> None:
        self._model = model
        self._vectors = vectors
        self._own = OwnItems()
        self._evidence = no_evidence(_ROOM)

    def of(self, ask: Ask, numbers: Array, found: Found, vectors: Located | None, added: Floats | None) -> Known:
        """The evidence of the candidates `numbers` [n], good until the next call.

        vectors: where theirs are, None without an index; added: what the factorisation adds for each, [n].
        """
        counts, history = self._model.counts, ask.history
        if len(numbers) > len(self._evidence):
            self._evidence = no_evidence(2 * len(numbers))
        evidence = clear_evidence(self._evidence[: len(numbers)])
        size = len(counts.count)
        found.read_into(numbers, evidence)
        self._own.read(np.asarray(history.items, np.int64), np.asarray(history.times, np.int64), history.weights, size)
        gather_sums(
            numbers, ask.now_ms, counts.count, counts.counted, counts.birth, counts.last,
            self._model.catalogue.announcements(), counts.undecayed, counts.fades(), self._own.table,
            evidence,
        )  # fmt: skip
        self._own.clear()
        likeness = self._likeness(ask, vectors) if vectors is not None else None
        if likeness is not None:
            evidence[:, CONTENT : CONTENT + 3] = likeness
        if added is not None:
            evidence[:, MF] = added
        return Known(evidence, None if likeness is None else likeness[:, 0])

    def _likeness(self, ask: Ask, vectors: Located) -> Floats | None:
        """Cosines to the user's interests, [n, 3]; None if none of their items has a vector."""
        index = self._vectors.index
        if index is None or not len(ask.ring):
            return None
        ring = self._vectors.of(index, np.array(ask.ring, np.int64))
        liked = ring.rows[ring.known][:LONG]
        if not len(liked):
            return None
        return np.asarray(likeness_of(vectors.matrix, vectors.rows, ring.matrix[liked], index.mean.astype(np.float64)))
