"""Which items of a user's history are behind each part of a score."""

from __future__ import annotations

import numpy as np

from embedding_worker.vector_index import VectorIndex
from online_models.covisits import VOTES
from online_models.readout import shares
from recommender.explanation import reasons, strongest
from recommender.numbering import Array
from recommender.query import Reason
from recommender.read_model import ReadModel
from serving.ask import Ask

LAST = 3
LIKED = 50
"""How many items of the history a content part is traced to."""


class Because:
    """Explains the items of one list."""

    def __init__(self, model: ReadModel, index: VectorIndex | None, ask: Ask) -> None:
        self._model = model
        self._index = index
        self._ask = ask
        ids = model.numbering.ids
        self._ring = [ids[number] for number in ask.ring]
        liked = ask.history.items[ask.history.weights > 0][-LIKED:]
        self._liked = [ids[number] for number in dict.fromkeys(liked.tolist())]
        self._vectors = index.vectors(self._liked)[0] if index is not None and self._liked else None

    def reasons(self, number: int, names: tuple[str, ...], values: Array) -> list[Reason]:
        """The parts of one item's score, each with the history items behind it."""
        counts = self._model.counts.count
        pairs, order = shares(self._ask.ring, self._ask.rows, counts, np.array([number]))
        behind = {name: self._items(name, number, pairs[0], order[0]) for name in names}
        return reasons(names, values.tolist(), behind)

    def _items(self, name: str, number: int, pairs: Array, order: Array) -> list[str]:
        if name.startswith("covisit"):
            given = pairs if name.endswith("pairs") else order if name.endswith("order") else pairs + 2.0 * order
            upto = self._upto(name)
            return strongest(given[:upto], self._ring[:upto])
        if name.startswith("content") or name == "newcomer":
            return self._alike(number)
        return [self._model.numbering.ids[number]] if name.startswith("own") else []

    def _upto(self, name: str) -> int:
        """How many of the ring's newest items a part of the read-out looks at."""
        if "_last" in name:
            return LAST
        return 1 if "_one" in name else self._ask.session if "_session" in name else VOTES

    def _alike(self, number: int) -> list[str]:
        """The items of the history that are nearest in content."""
        vector = self._index.vector(self._model.numbering.ids[number]) if self._index is not None else None
        if vector is None or self._vectors is None or self._index is None:
            return []
        return strongest(self._vectors @ vector - self._index.mean @ vector, self._liked)
