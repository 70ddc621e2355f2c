"""Users who choose from what they are shown, so that what is learned comes from the lists that were made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.in_memory import InMemory
from benchmarks.streams import DAY, HOUR, Event
from benchmarks.streams.stream import START_MS, WEIGHTS, softmax
from benchmarks.streams.topics import Topics
from recommender.evaluation.scores import gini

TOPICS, TASTE, FERVOUR = 8, 4.0, 2.0
Policy = Callable[["Readers", int, list[str]], list[str]]
"""Makes what a user (by number) is shown out of the list that was made."""


@dataclass(slots=True)
class Round:
    """What one round of lists showed: the share of items in any, how unevenly they were shown, and of the minority's
    lists the share that is on their topic.
    """

    coverage: float
    gini: float
    minority: float


class Readers:
    """A small world, and the deployment that serves it.

    Users of a minority care for the last topic alone, and no one else does.
    """

    def __init__(
        self, site: InMemory, seed: int = 0, users: int = 120, count: int = 360, minority: float = 0.15
    ) -> None:
        self.site, self.users, self.count = site, users, count
        self.now = START_MS + DAY
        self.taken: dict[int, set[int]] = {}
        self.rng = np.random.default_rng([seed, 9])
        topics = Topics(self.rng, TOPICS)
        self.items = topics.items("r", np.full(count, START_MS), self.rng.normal(size=count))
        tastes = topics.mixtures(users, 0.2)
        tastes[:, -1] = 0.0
        self.few = np.arange(users) < minority * users
        tastes[self.few] = FERVOUR * np.eye(TOPICS)[-1]
        self.utility = TASTE * (tastes @ self.items.topics.T) + self.items.appeal
        self.of = {name: row for row, name in enumerate(self.items.names)}
        self.topic = self.items.topics.argmax(axis=1)
        for born in self.items.announcements:
            self.site.announce(born)

    def begin(self, events: int) -> None:
        """What users took before there were any lists."""
        for user in self.rng.integers(self.users, size=events).tolist():
            chances = softmax(self.utility[user])
            chances[list(self.taken.get(user, ()))] = 0.0
            self._take(user, int(self.rng.choice(self.count, p=chances / chances.sum())))

    async def round(self, policy: Policy) -> Round:
        """Everybody is shown a list and takes one item of it."""
        shown = np.zeros(self.count, np.int64)
        own: list[float] = []
        for user in self.rng.permutation(self.users).tolist():
            names = policy(self, user, await self.site.ids(f"u{user}"))
            rows = [self.of[name] for name in names]
            shown[rows] += 1
            if self.few[user]:
                own.append(float((self.topic[rows] == TOPICS - 1).mean()))
            self._take(user, int(self.rng.choice(rows, p=softmax(self.utility[user][rows]))))
        self.now += 12 * HOUR
        return Round(float((shown > 0).mean()), gini(shown.tolist(), self.count), float(np.mean(own)))

    def _take(self, user: int, row: int) -> None:
        self.now += 10_000
        self.taken.setdefault(user, set()).add(row)
        item = self.items.names[row]
        self.site.learn(Event(f"u{user}", item, WEIGHTS["click"], self.now, "click", 0.0, 0.0, None, ()))


def as_made(readers: Readers, user: int, names: list[str]) -> list[str]:
    """The list as it is."""
    return names


def with_random_slot(readers: Readers, user: int, names: list[str]) -> list[str]:
    """The last seat goes to any item that the user has not taken yet and that is not in the list."""
    barred = {*names[:-1], *(readers.items.names[row] for row in readers.taken.get(user, ()))}
    free = [name for name in readers.items.names if name not in barred]
    return [*names[:-1], str(readers.rng.choice(free))]
