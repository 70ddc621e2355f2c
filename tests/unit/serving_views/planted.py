"""Two groups of users with tastes of their own: data whose right answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from embedding_worker.exact_index import ExactIndex
from embedding_worker.query_client import Encoded, EncoderAwayError
from online_models.partition_state import PartitionState
from recommender.events import Interaction, Item, Profile
from recommender.partitioning import partition_of
from serving.live_recommender import LiveRecommender
from serving.views.memory import MemoryReadModel
from streams.shown import ShownInMemory

PARTITIONS = 2
GROUPS = ("sea", "sky")
SIZE = 20


@dataclass
class Vectors:
    """A fixed source of vectors."""

    index: ExactIndex
    space: str = "s"
    complete: bool = True


class Words:
    """An encoder that knows two words."""

    def __init__(self) -> None:
        self.away = False

    async def encode(self, texts: Sequence[str]) -> Encoded:
        if self.away:
            raise EncoderAwayError("away")
        return Encoded("s", np.stack([vector_of(text, 0) for text in texts]))


class Near(float):
    """A score, equal to those from which only the order of a sum parts it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and abs(self - other) <= 1e-6 * max(1.0, abs(self))

    __hash__ = float.__hash__


def vector_of(group: str, n: int) -> Any:
    """Items of a group lie together, a little apart."""
    rng = np.random.default_rng(n + 1)
    vector = 0.15 * rng.normal(size=8) + 0.5
    vector[GROUPS.index(group)] += 2.0
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class World:
    """Partition states, items and vectors behind a `LiveRecommender`."""

    def __init__(self, announce: bool = True, clicks: bool = True, **more: Any) -> None:
        self.states = [PartitionState() for _ in range(PARTITIONS)]
        self.profiles: dict[str, Profile] = {}
        self.shown = ShownInMemory()
        self.model = MemoryReadModel(self.states, self.profiles.get, shown=self.shown.get)
        self.vectors = Vectors(ExactIndex(8))
        self.words = Words()
        self.now = 1_000_000
        if announce:
            for group in GROUPS:
                for n in range(SIZE):
                    self.announce(f"{group}{n}", group, n)
        options = {"clock": lambda: self.now, "fresh_id": lambda: "r", **more}
        self.service = LiveRecommender(self.model, self.vectors, self.words, **options)
        if clicks:
            rng = np.random.default_rng(1)
            for step in range(600):
                user = int(rng.integers(40))
                group = GROUPS[user % 2]
                self.learn(f"u{user}", f"{group}{rng.integers(SIZE)}", at=1000 + step)

    def announce(self, item_id: str, group: str, n: int = 0, vector: bool = True, **more: Any) -> None:
        fields = {"title": item_id.title(), "categories": [group], "domain": "test", "timestamp": 1000 + n, **more}
        self.model.announce(Item(item_id=item_id, **fields))
        if vector:
            self.vectors.index.put(item_id, vector_of(group, n))

    def learn(self, user: str, item: str, kind: str = "click", at: int = 2000, **more: Any) -> None:
        event = Interaction(user_id=user, item_id=item, type=kind, timestamp=at, **more)
        self.shown.note(self.states[partition_of(user, PARTITIONS)].fold([event]).learned)

    def show(self, user: str, items: Sequence[str], at: int = 2000, request: str | None = None) -> None:
        """The user is shown a list."""
        event = Interaction(user_id=user, type="impression", timestamp=at, items=list(items), request_id=request)
        self.shown.note(self.states[partition_of(user, PARTITIONS)].fold([event]).learned)
