"""What each part adds to a candidate's score: evidence, its logs, and the weights in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from embedding_worker.vector_index import VectorIndex
from online_models.blend import Blend
from online_models.click_weights import ClickWeights
from online_models.features import NAMES, START, feature_matrix
from online_models.readout import Found
from recommender.facts import Facts
from recommender.numbering import Array
from recommender.ranking import Scored
from recommender.read_model import ReadModel
from recommender.vectors import Vector
from serving.ask import Ask
from serving.clicked import Clicked
from serving.evidence import Gathering, Mf

Floats = npt.NDArray[np.float64]
_LAST: Final[Mapping[str, float]] = {"trend_month": 1e-3, "count": 1e-4}
"""What orders the items about which a strategy itself has nothing to say."""
STRATEGIES: Final[Mapping[str, Mapping[str, float]]] = {
    "popularity": {"trend_month": 1.0, "count": 1e-3},
    "item_item": {"covisit": 1.0, **_LAST},
    "sequence": {"covisit_last_order": 1.0, "covisit_last_pairs": 0.1, **_LAST},
    "user_user": {"users": 1.0, **_LAST},
    "mf": {"mf": 1.0, **_LAST},
    "content": {"content": 5.0, "content_last": 5.0, "text": 20.0, "profile": 10.0, **_LAST},
    "hybrid": {
        "covisit": 1.0, "content": 3.0, "content_last": 2.0, "content_rare": 3.0, "text": 20.0, "profile": 10.0,
        **_LAST,
    },
}  # fmt: skip
TYPED: Final[Mapping[str, float]] = {"text": 20.0, "profile": 10.0, "trend_month": 0.01}
"""Weights of a question that is a text and nothing else: what was typed decides."""
TEXT, PROFILE, PROFILE_FADES = 20.0, 10.0, 10.0
"""Weight of a typed text's cosine; of a profile text's, which gives way as the history grows past so many events."""
CROWD_UNIT: Final = 0.01
ALL_NAMES: Final = (*NAMES, "text", "profile", "users")


class Scoring:
    """Scores candidates. `blend` may be set at any time; before its `trained_after`-th event `START` counts."""

    def __init__(
        self,
        model: ReadModel,
        index: Callable[[], VectorIndex | None],
        blend: Blend | None = None,
        mf: Mf | None = None,
        trained_after: int = 500,
        clicks: ClickWeights | None = None,
    ) -> None:
        self._model = model
        self.clicked = Clicked(model, clicks)
        self._index = index
        self._gathering = Gathering(model, index)
        self.blend = blend
        self.mf = mf
        self._trained_after = trained_after

    @property
    def version(self) -> int:
        """Version of the blend's weights in force; 0 for the start weights."""
        return self.blend.version if self.blend and self.blend.version >= self._trained_after else 0

    def score(self, ask: Ask, numbers: Array, found: Found) -> Scored:
        """The candidates `numbers` [n] with every part that is not 0 for all of them."""
        ids = [self._model.numbering.ids[number] for number in numbers.tolist()]
        known = self._gathering.of(ask, numbers, ids, found, self.mf)
        text, profile = self._cosines([ask.text, ask.profile], ids)
        nothing = np.zeros(len(numbers))
        own = (nothing if text is None else text, nothing if profile is None else profile, self._crowd(ask)[numbers])
        values = np.column_stack((feature_matrix(known.evidence), *own)) * self._weights(ask)
        used = np.flatnonzero(values.any(axis=0))
        scored = Scored(ids, tuple(ALL_NAMES[column] for column in used), values[:, used], known.likeness)
        if self._is_blend(ask):
            self.clicked.add(ask, numbers, scored)
        return scored

    def facts(self, ask: Ask, scored: Scored, numbers: Array) -> Facts | None:
        """What is recorded of a list of the items `numbers`, for the click model; None for lists not by the blend."""
        return self.clicked.facts(ask, scored, numbers) if self._is_blend(ask) else None

    @staticmethod
    def _is_blend(ask: Ask) -> bool:
        return ask.query.strategy == "default" and not _is_typed(ask)

    def _weights(self, ask: Ask) -> Floats:
        if ask.query.strategy != "default":
            given = STRATEGIES[ask.query.strategy]
        elif _is_typed(ask):
            given = TYPED
        else:
            learned = self.blend.weights(ask.total, ask.gap_ms) if self.blend and self.version else START
            given = {**learned, "text": TEXT, "profile": PROFILE / (1.0 + len(ask.history) / PROFILE_FADES)}
        return np.array([given.get(name, 0.0) for name in ALL_NAMES])

    def _crowd(self, ask: Ask) -> Floats:
        """What users alike say of each item, [items]."""
        crowd = np.zeros(len(self._model.counts.count))
        if ask.crowd is not None:
            crowd[ask.crowd[0]] = np.log1p(np.maximum(ask.crowd[1], 0.0) / CROWD_UNIT)
        return crowd

    def _cosines(self, queries: Sequence[Vector | None], ids: Sequence[str]) -> list[Floats | None]:
        """The cosine of items to each query, [n]; an item without a vector has 0: nothing, not the worst."""
        index = self._index()
        given = [query for query in queries if query is not None]
        if index is None or not given or not len(index):
            return [None] * len(queries)
        vectors, _ = index.vectors(ids)
        cosines = iter((vectors @ np.stack(given, axis=1)).astype(np.float64).T)
        return [None if query is None else next(cosines) for query in queries]


def _is_typed(ask: Ask) -> bool:
    """Is the question a text and nothing else?"""
    return not len(ask.history) and (ask.text is not None or ask.profile is not None)
