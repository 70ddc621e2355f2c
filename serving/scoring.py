"""What each part adds to a candidate's score: evidence, its logs, and the weights in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from embedding_worker.vector_index import VectorIndex
from online_models.blend import Blend
from online_models.click_weights import ClickWeights
from online_models.features import NAMES, START, feature_matrix, weighed
from online_models.readout import Found
from recommender.facts import Facts
from recommender.numbering import Array, Names
from recommender.ranking import Scored
from recommender.read_model import ReadModel
from recommender.vectors import Vector
from serving.ask import Ask
from serving.clicked import Clicked
from serving.evidence import Gathering, Mf
from serving.item_vectors import ItemVectors, Located

Floats = npt.NDArray[np.float64]

ALL_NAMES: Final = (*NAMES, "text", "profile", "users")
TEXT, PROFILE, USERS = range(len(NAMES), len(ALL_NAMES))
"""The columns of what a question brings along."""
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
BY_TEXT, BY_PROFILE, PROFILE_FADES = 20.0, 10.0, 10.0
"""Weight of a typed text's cosine; of a profile text's, which gives way as the history grows past so many events."""
CROWD_UNIT: Final = 0.01


def _columns(weights: Mapping[str, float]) -> Floats:
    """Weights by name as an array over `ALL_NAMES`."""
    return np.array([weights.get(name, 0.0) for name in ALL_NAMES])


_WEIGHTS: Final = {name: _columns(given) for name, given in STRATEGIES.items()}
_TYPED, _START = _columns(TYPED), _columns(START)
_ROOM: Final = 1024
"""Work space for so many candidates is kept from the start."""


class Scoring:
    """Scores candidates. `blend`, over `NAMES`, may be set at any time; before its `trained_after`-th event `START`
    counts.
    """

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
        self.vectors = ItemVectors(model.numbering, index)
        self._gathering = Gathering(model, self.vectors)
        self._features: Floats = np.zeros((_ROOM, len(ALL_NAMES)))
        self.blend = blend
        self.mf = mf
        self._trained_after = trained_after

    @property
    def version(self) -> int:
        """Version of the blend's weights in force; 0 for the start weights."""
        return self.blend.version if self.blend and self.blend.version >= self._trained_after else 0

    def score(self, ask: Ask, numbers: Array, found: Found) -> Scored:
        """The candidates `numbers` [n] with every part that is not 0 for all of them."""
        ids = Names(self._model.numbering, numbers)
        vectors = self._vectors(ask, numbers)
        added = self.mf(ask.query.user_id or "", ids) if self.mf is not None else None
        known = self._gathering.of(ask, numbers, found, vectors, added)
        if len(numbers) > len(self._features):
            self._features = np.zeros((2 * len(numbers), len(ALL_NAMES)))
        features = feature_matrix(known.evidence, self._features[: len(numbers)])
        if vectors is not None:
            _add_cosines(features, vectors, {TEXT: ask.text, PROFILE: ask.profile})
        if ask.crowd is not None:
            features[:, USERS] = self._crowd(*ask.crowd)[numbers]
        values, used = weighed(features, self._weights(ask))
        scored = Scored(ids, tuple(ALL_NAMES[column] for column in used.tolist()), values, known.likeness)
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
        """By column, as in `ALL_NAMES`."""
        if ask.query.strategy != "default":
            return _WEIGHTS[ask.query.strategy]
        if _is_typed(ask):
            return _TYPED
        if not (self.blend and self.version):
            weights = _START.copy()
        else:
            weights = np.zeros(len(ALL_NAMES))
            weights[: len(NAMES)] = self.blend.vector(ask.total, ask.gap_ms)
        weights[TEXT], weights[PROFILE] = BY_TEXT, BY_PROFILE / (1.0 + len(ask.history) / PROFILE_FADES)
        return weights

    def _vectors(self, ask: Ask, numbers: Array) -> Located | None:
        """Where the items' vectors are, if they are to be compared with anything."""
        index = self.vectors.index
        if index is None or not (len(ask.ring) or ask.text is not None or ask.profile is not None):
            return None
        return self.vectors.of(index, numbers)

    def _crowd(self, numbers: Array, scores: Floats) -> Floats:
        """What users alike say of each item, [items]."""
        crowd = np.zeros(len(self._model.counts.count))
        crowd[numbers] = np.log1p(np.maximum(scores, 0.0) / CROWD_UNIT)
        return crowd


def _add_cosines(features: Floats, vectors: Located, queries: Mapping[int, Vector | None]) -> None:
    """The cosine of items to each query, by column; an item without a vector has 0: nothing, not the worst."""
    given = {column: query for column, query in queries.items() if query is not None}
    if given:
        features[:, list(given)] = vectors.read() @ np.stack(list(given.values()), axis=1)


def _is_typed(ask: Ask) -> bool:
    """Is the question a text and nothing else?"""
    return not len(ask.history) and (ask.text is not None or ask.profile is not None)
