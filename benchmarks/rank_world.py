"""A large shop in this process's memory, for `benchmarks.rank`: items with vectors, a Zipf stream, what it taught.

Users like a few topics; of these, and of all, the first items are taken most. The partitions' states fold every event
in batches, the trainer counts every event and takes lessons from the last ones, as it does with a share of the lessons.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from benchmarks.clustered import Clusters, Sample
from benchmarks.in_memory import InMemory, Vectors
from benchmarks.streams.stream import DAY, START_MS
from embedding_worker.index import ItemIndex
from online_models.default import Default
from online_models.vector_space import NEAR
from recommender.events import Interaction, Item
from recommender.partitioning import partition_of
from recommender.vectors import Vector
from serving.adjusting import House

Numbers = npt.NDArray[np.int64]
PARTITIONS, BATCH = 4, 2_000
SPAN_MS = 30 * DAY
OWN = 0.7
"""How often a user takes an item of their own topics."""
SPACE = "clustered"


@dataclass(frozen=True, slots=True)
class Taken:
    """Events in the order of their times: numbers of users and items, and times in ms, [n] each."""

    users: Numbers
    items: Numbers
    times: Numbers


def item_name(number: int) -> str:
    return f"i{number:06d}"


def user_name(number: int) -> str:
    return f"u{number:05d}"


def stream(rng: np.random.Generator, topics: Numbers, users: int, events: int) -> Taken:
    """Draw events: users by a flat power law, items by Zipf's, of a topic of their own or of all."""
    activity = 1.0 / np.sqrt(np.arange(1, users + 1))
    who = rng.choice(users, events, p=activity / activity.sum())
    names = int(topics.max()) + 1
    likes = rng.integers(names, size=(users, 3))
    wanted = np.where(rng.random(events) < OWN, likes[who, rng.integers(3, size=events)], -1)
    popular = rng.permutation(len(topics))
    items = popular[_zipf(rng, len(topics), events)]
    for topic in range(names):
        of_topic, at = popular[topics[popular] == topic], np.flatnonzero(wanted == topic)
        if len(of_topic):
            items[at] = of_topic[_zipf(rng, len(of_topic), len(at))]
    times = START_MS + np.sort(rng.integers(0, SPAN_MS, events))
    return Taken(who.astype(np.int64), items.astype(np.int64), times.astype(np.int64))


def _zipf(rng: np.random.Generator, ranks: int, count: int) -> Numbers:
    ladder = np.cumsum(1.0 / np.arange(1, ranks + 1))
    return np.asarray(np.searchsorted(ladder, rng.random(count) * ladder[-1], side="right"), np.int64)


class World:
    """The shop: `system` answers, `trainer` has learned; `took_s` says how long each step of building it took.

    Parameters
    ----------
    items, users, events
        How many.
    lessons
        So many of the last events teach the weights.
    """

    def __init__(self, items: int, users: int, events: int, lessons: int) -> None:
        rng = np.random.default_rng(11)
        self.took_s: dict[str, float] = {}
        self._began = time.perf_counter()
        self.sample: Sample = Clusters(rng).sample(items)
        self.taken = stream(rng, self.sample.topics, users, events)
        self._note("draw")
        # The house's own rules, seats by chance included, as every door has them.
        self.system = InMemory(PARTITIONS, vectors=Vectors(ItemIndex(self.vectors.shape[1]), SPACE), house=House())
        born = np.sort(START_MS - SPAN_MS + rng.integers(0, 2 * SPAN_MS, items))
        self._announce(born)
        self._fold()
        self.lessons = lessons
        self._train()
        self.active: list[str] = [user_name(number) for number in np.unique(self.taken.users[-lessons:]).tolist()]

    @property
    def vectors(self) -> Vector:
        """By item number, float32 [items, dim]."""
        return self.sample.vectors

    @property
    def trainer(self) -> Default:
        return self.system.trainer

    def events(self) -> Iterable[tuple[str, str, int]]:
        """User, item and time, in order."""
        users, items = map(user_name, self.taken.users.tolist()), map(item_name, self.taken.items.tolist())
        return zip(users, items, self.taken.times.tolist(), strict=True)

    def _announce(self, born: Numbers) -> None:
        for number, (topic, at) in enumerate(zip(self.sample.topics.tolist(), born.tolist(), strict=True)):
            name = item_name(number)
            self.system.model.announce(
                Item(name, at, title=f"Title of {name}", categories=[f"topic{topic}"], domain="clustered")
            )
            self.trainer.add_item(name, timestamp=at)
        self._note("announce")
        index = self.system.vectors.index
        assert isinstance(index, ItemIndex)
        for number, vector in enumerate(self.vectors):
            index.put(item_name(number), vector)
        while index.maintain(1.0):
            pass
        self._note("index")

    def _fold(self) -> None:
        states = self.system.model.states
        events = list(self.events())
        for low in range(0, len(events), BATCH):
            parts: list[list[Interaction]] = [[] for _ in states]
            for user, item, at in events[low : low + BATCH]:
                parts[partition_of(user, len(states))].append(Interaction(user, "click", at, item))
            for state, part in zip(states, parts, strict=True):
                state.fold(part)
        self.system.model.refresh()
        self._note("fold")

    def _train(self) -> None:
        self._know_content()
        self._note("content")
        last = len(self.taken.users) - self.lessons
        events = ((user, item, 1.0, {"timestamp": at, "type": "click"}) for user, item, at in self.events())
        while batch := list(islice(events, min(BATCH, last))):
            self.trainer.count_many(batch)
            last -= len(batch)
        self.trainer.learn_many(events)
        self._note("train")

    def _know_content(self) -> None:
        """Give the trainer the vectors as its snapshot would: each compared with those of its topic, not with 20,000.

        The trainer's numbers of items are ours: they were announced in this order.
        """
        vectors = self.vectors.astype(np.float16).astype(np.float32)
        near, close = np.full((len(vectors), NEAR), -1), np.full((len(vectors), NEAR), -2.0, np.float32)
        for topic in np.unique(self.sample.topics).tolist():
            members = np.flatnonzero(self.sample.topics == topic)
            cosines = vectors[members] @ vectors[members].T
            np.fill_diagonal(cosines, -2.0)
            most = min(NEAR, len(members) - 1)
            some = np.argpartition(-cosines, most, axis=1)[:, :most]
            nearest = np.take_along_axis(cosines, some, axis=1)
            order = np.argsort(-nearest, axis=1)
            near[members, :most] = members[np.take_along_axis(some, order, axis=1)]
            close[members, :most] = np.take_along_axis(nearest, order, axis=1)
        self.trainer.content.vectors.load_state(
            {
                "items": np.arange(len(vectors)), "vectors": vectors, "near": near, "close": close,
                "sum": vectors.sum(axis=0, dtype=np.float64),
            }
        )  # fmt: skip

    def _note(self, step: str) -> None:
        now = time.perf_counter()
        self.took_s[step] = round(now - self._began, 2)
        self._began = now
