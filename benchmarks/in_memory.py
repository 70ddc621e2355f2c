"""A deployment in this process's memory: what workers fold, what a trainer learns, what serving answers from both.

The worker's `PartitionState`, one for each partition, is read through `MemoryReadModel` by the `LiveRecommender` that
is behind every door; the trainer's `Default` learns every event, and its blend is the one served with. No broker, no
Redis.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from benchmarks.streams import Announcement, Event
from benchmarks.streams.stream import SCALE
from benchmarks.streams.topics import DIM
from embedding_worker.exact_index import ExactIndex
from online_models.default import Default
from online_models.mf_part import item_parts
from online_models.partition_state import PartitionState
from recommender.events import Interaction, Item
from recommender.numbering import Names, fitted
from recommender.partitioning import partition_of
from recommender.query import Query, Served
from serving.adjusting import House
from serving.live_recommender import LiveRecommender
from serving.views.memory import MemoryReadModel


@dataclass
class Vectors:
    """The index, as serving looks for it."""

    index: ExactIndex
    space: str = "topics"
    complete: bool = True


ANEW = -2
"""Where an item's factors are is to be looked up."""


class InMemory:
    """Announce, learn, ask.

    Parameters
    ----------
    partitions
        Of interactions.
    trainer
        Shared with another deployment that does the training; default: one of its own.
    model
        The states' reader, where it is to be another than the usual one.
    vectors
        Shared with another deployment; default: an index of its own.
    house
        What holds for every list; default: no seat is given by chance.
    """

    def __init__(
        self,
        partitions: int = 1,
        trainer: Default | None = None,
        model: MemoryReadModel | None = None,
        vectors: Vectors | None = None,
        house: House | None = None,
    ) -> None:
        self.trains = trainer is None
        self.indexes = vectors is None
        self.trainer = trainer or Default()
        self._places, self._known = np.zeros(0, np.int64), 0
        self.vectors = vectors or Vectors(ExactIndex(DIM))
        self.model = model or MemoryReadModel([PartitionState() for _ in range(partitions)])
        self.service = LiveRecommender(
            self.model,
            self.vectors,
            blend=self.trainer.blend,
            mf=self.mf,
            house=house or House(exploration=0.0),
            fresh_id=map(str, count()).__next__,
        )

    def mf(self, user: str, items: Names) -> Any:
        """What the factorisation adds, as serving reads it from what the trainer publishes: rows by item number."""
        mf, numbers = self.trainer.mf, items.numbers
        row = mf.users.get(user)
        if row is None:
            return None
        if self._known != len(mf.items):
            self._known, self._places = len(mf.items), np.zeros(0, np.int64)
        self._places = fitted(self._places, int(numbers.max(initial=-1)) + 1, ANEW)
        fresh = np.flatnonzero(self._places[numbers] == ANEW).tolist()
        self._places[numbers[fresh]] = [mf.items.slots.get(items[place], -1) for place in fresh]
        return item_parts(row, mf.items.data, self._places[numbers])

    def announce(self, born: Announcement) -> None:
        """An item is born: to the catalogue, the index and the trainer."""
        self.model.announce(announced(born))
        if born.vector is not None and self.indexes:
            self.vectors.index.put(born.item, born.vector)
        if self.trains:
            self.trainer.add_item(born.item, vector=born.vector, text=born.text, timestamp=born.timestamp)

    def learn(self, event: Event) -> None:
        """An event, as it comes out of the log."""
        if self.trains:
            self.trainer.learn_one(*event.sample)
        self.fold(event)

    def play(self, parts: Iterable[Announcement | Event]) -> None:
        """Announce and learn, in this order."""
        for part in parts:
            if isinstance(part, Event):
                self.learn(part)
            else:
                self.announce(part)

    def fold(self, event: Event) -> None:
        """An event's effect on what its partition counts."""
        self.model.states[partition_of(event.user, len(self.model.states))].fold([interaction(event)])

    async def ask(self, user: str | None, n: int = 10, **query: Any) -> Served:
        """The list, as somebody at a door would get it."""
        return await self.service.recommend(Query(user_id=user, n=n, **query))

    async def ids(self, user: str | None, n: int = 10, **query: Any) -> list[str]:
        """The items of a list."""
        return [item.item_id for item in (await self.ask(user, n, **query)).items]


def interaction(event: Event) -> Interaction:
    """An event as it lies in the log."""
    scale = SCALE if event.value is not None else None
    return Interaction(event.user, event.type, event.timestamp, event.item, value=event.value, scale=scale)


def announced(born: Announcement) -> Item:
    """An announcement as it lies in the log; its foremost topic is its category."""
    return Item(born.item, born.timestamp, title=born.text, categories=[f"topic{born.topic}"], domain="streams")
