"""Lists about items: what is similar to one, what is rising."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from embedding_worker.vector_index import VectorIndex
from recommender.numbering import Array
from recommender.query import Filters, Reason, Recommendation
from recommender.ranking import Scored, leading
from recommender.read_model import ReadModel

NEAREST: Final = 50
CONTENT: Final = 5.0
"""What a cosine of one weighs beside the log of the pair counts."""
UNIT: Final = 0.01
LEAST: Final = 0.05
"""Popularity below this is as good as none."""


class ItemLists:
    """Answers that need no user."""

    def __init__(self, model: ReadModel, index: Callable[[], VectorIndex | None]) -> None:
        self._model = model
        self._index = index

    def similar(self, number: int, row: Array, n: int, now_ms: int) -> list[Recommendation]:
        """Nearest to an item: log of (C + T) / sqrt((c_i + 1)(c_j + 1)) from its row, plus 5 times the cosine."""
        counts = self._model.counts
        allowed = self._allowed(Filters(), now_ms)
        allowed[number] = False
        counts.reserve(len(allowed))
        pairs = np.zeros(len(allowed))
        np.add.at(pairs, row[:, 0], row[:, 1].astype(np.float64) + row[:, 2])
        norm = 1.0 / np.sqrt(np.maximum(counts.count[: len(allowed)], 0.0) + 1.0)
        near = pairs / counts.scale * norm * norm[number]
        numbers = np.flatnonzero((near > 0.0) & allowed)
        item_id = self._model.numbering.ids[number]
        index = self._index()
        vector = index.vector(item_id) if index is not None else None
        if index is not None and vector is not None:
            hits = index.search(vector, max(NEAREST, n), lambda other: self._may(other, allowed))
            numbers = np.union1d(numbers, self._model.numbering.found(hit[0] for hit in hits)).astype(np.int64)
        ids = [self._model.numbering.ids[other] for other in numbers.tolist()]
        content = np.zeros(len(ids))
        if index is not None and vector is not None and ids:
            content = CONTENT * np.maximum((index.vectors(ids)[0] @ vector).astype(np.float64), 0.0)
        covisit = np.log1p(np.maximum(near[numbers], 0.0) / UNIT)
        return self._listed(Scored(ids, ("covisit", "content"), np.column_stack((covisit, content))), n, [item_id])

    def trending(
        self, n: int, category: str | None, domain: str | None, window_ms: int, now_ms: int
    ) -> list[Recommendation]:
        """Rising items: log of the choices within the window, plus log of how far they exceed the usual.

        The window picks the nearest half-life; what is usual is told by the next longer one: at a constant rate,
        popularity grows in proportion to the half-life, so usual = slow * fast half-life / slow half-life.
        """
        counts = self._model.counts
        half_lives = counts.half_lives_ms
        fast = int(np.abs(np.log(half_lives / max(window_ms, 1))).argmin())
        slow = min(fast + 1, len(half_lives) - 1)
        allowed = self._allowed(Filters(category=category, domain=domain), now_ms)
        counts.reserve(len(allowed))
        now = counts.popularity(fast)[: len(allowed)]
        numbers = np.flatnonzero(allowed & (now > LEAST))
        usual = counts.popularity(slow)[: len(allowed)][numbers] * half_lives[fast] / half_lives[slow]
        values = np.column_stack((np.log1p(now[numbers]), np.log((now[numbers] + 1.0) / (usual + 1.0))))
        ids = [self._model.numbering.ids[number] for number in numbers.tolist()]
        return self._listed(Scored(ids, ("trend", "rise"), values), n, [])

    def _allowed(self, filters: Filters, now_ms: int) -> Array:
        catalogue = self._model.catalogue
        return np.asarray(catalogue.available() & ~catalogue.expired(now_ms) & catalogue.mask(filters, now_ms))

    def _may(self, item_id: str, allowed: Array) -> bool:
        number = self._model.numbering.find(item_id)
        return number is not None and bool(allowed[number])

    def _listed(self, scored: Scored, n: int, because: list[str]) -> list[Recommendation]:
        total = scored.total
        out = []
        for place in leading(scored, n).tolist():
            parts = [
                Reason(name, float(value), because)
                for name, value in zip(scored.names, scored.values[place].tolist(), strict=True)
                if value != 0.0
            ]
            number = self._model.numbering.find(scored.ids[place])
            title = self._model.catalogue.title(number) if number is not None else None
            sources = [part.part for part in parts if part.score > 0.0] or [scored.names[0]]
            heard = (None, None) if number is None else self._model.counts.heard(number)
            out.append(Recommendation(scored.ids[place], title, float(total[place]), sources, parts, *heard))
        return out
