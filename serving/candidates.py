"""What a question's candidates are found by: neighbours, trends, vectors, categories, the question's context."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from embedding_worker.vector_index import VectorIndex
from online_models.readout import Found
from recommender.numbering import Array, best
from recommender.read_model import ReadModel
from recommender.retrieval import BY_CONTENT, BY_COVISIT, BY_FAST, BY_NEWEST, BY_SLOW, Evidences, Near
from recommender.vectors import Vector
from serving.ask import Ask
from serving.item_vectors import ItemVectors

FAST, SLOW = 1, 3
"""Which half-lives give candidates: a day and a month."""


class Finding:
    """Finds candidates."""

    def __init__(self, model: ReadModel, vectors: ItemVectors) -> None:
        self._model = model
        self._vectors = vectors

    def evidences(self, ask: Ask, found: Found, mix: Mapping[str, float], worn: int = 0) -> Evidences:
        """For `retrieve`. `mix`: the categories that a calibrated list must be able to take from, {} for none.

        `worn`: how many items were shown lately, so that so many more are needed.
        """
        counts, tie = self._model.counts, self._model.numbering.tie
        near: dict[str, Near] = {
            "covisit": lambda allowed: found.leading(allowed, tie, BY_COVISIT),
            "trending": lambda allowed: counts.popular(FAST, allowed, tie, BY_FAST),
            "popular": lambda allowed: counts.popular(SLOW, allowed, tie, BY_SLOW),
            "newest": lambda allowed: self._model.catalogue.newest(allowed, BY_NEWEST, ask.wall_ms),
        }
        index = self._vectors.index
        if index is not None:
            for name, vector in (("content", ask.taste), ("text", ask.text), ("profile", ask.profile)):
                if vector is not None:
                    near[name] = self._nearest(index, vector, len(ask.chosen))
        if ask.crowd is not None:
            crowd = ask.crowd[0]
            near["users"] = lambda allowed: crowd[allowed[crowd]]
        if ask.around is not None:
            around = np.array(self._model.numbering.found(ask.around.leaders), np.int64)
            near["context"] = lambda allowed: around[allowed[around]]
        if mix:
            near["category"] = lambda allowed: self._of_categories(allowed, mix, ask.query.n, 2 + worn)
        return Evidences(tie, near)

    def _of_categories(self, allowed: Array, mix: Mapping[str, float], n: int, more: int) -> Array:
        """Of each category of a mix the most popular: as many as its share of the list, and `more`."""
        size = len(allowed)
        popularity, tie = self._model.counts.popularity(SLOW)[:size], self._model.numbering.tie
        found = []
        for name, share in mix.items():
            having = self._model.catalogue.having("category", name)
            having = having[allowed[having]]
            found.append(having[best(popularity[having], tie[having], int(np.ceil(share * n)) + more)])
        return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)

    def _nearest(self, index: VectorIndex, vector: Vector, chosen: int) -> Near:
        def near(allowed: Array) -> Array:
            # Most of the nearest may stay, but for what was chosen: to ask for more is cheaper than to filter inside.
            count = BY_CONTENT + 8 + min(chosen // 2, BY_CONTENT)
            while True:
                numbers = self._vectors.nearest(index, vector, count)
                numbers = numbers[allowed[numbers]]
                if len(numbers) >= BY_CONTENT or count >= len(index):
                    return np.asarray(numbers[:BY_CONTENT])
                count *= 2

        return near
