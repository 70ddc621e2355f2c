"""Users' interests in Redis follow what they did and the vectors that there are."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from recommender.event_types import EventTypes
from recommender.interests import Interests, build_interests, decode_interests
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from recommender.vectors import StoredVector, Vector, check_vector
from streams.batch import Batch
from streams.intake import LogRecord
from streams.interests import InterestWriter
from streams.local_store import LocalStore
from streams.redis_store import RedisUserStore, connect
from streams.stored_vectors import StoredVectors
from streams.user_shard import UserShard

KEYS, TOPICS = Keys("c"), Topics()
TIMES = 1_000_000


class Site:
    """One partition of users, its writer of interests, and the embedding worker's vectors; `now` in s is ours."""

    def __init__(self, url: str) -> None:
        self.client: Any = connect(url)
        self.now = 0.0
        self.vectors: dict[str, Vector] = {}
        stored = StoredVectors(self.client, KEYS, TOPICS, lambda: self.now)
        self.writer = InterestWriter(self.client, KEYS, stored)
        self.done: dict[str, list[tuple[str, int]]] = {}
        self.begin()

    def begin(self) -> None:
        """A worker that has read nothing yet."""
        self.shard = UserShard(0, 1, RedisUserStore(self.client, KEYS.users(0)), EventTypes(), "me", b"k" * 32)
        self.shard.reopen()

    def encode(self, space: str, item: str, seed: int) -> None:
        """An item's vector is there."""
        vector = check_vector(np.random.default_rng(seed).normal(size=6).astype(np.float16))
        self.vectors[item] = vector
        key = KEYS.items(partition_of(item, TOPICS.item_partitions)).vectors(space)
        self.client.hset(key, item, StoredVector(vector, 1, 1, b"h" * 8).encode())

    def serve(self, space: str) -> None:
        """Lists are made with this space from now on."""
        self.client.set(KEYS.space, space)
        self.now += 100.0

    def clicks(self, *pairs: tuple[str, str]) -> None:
        """Users click items, all in one batch."""
        begin = self.shard.next_offset("interactions")
        events: list[dict[str, Any]] = []
        for user, item in pairs:
            done = self.done.setdefault(user, [])
            done.append((item, TIMES + 1_000 * (begin + len(events))))
            events.append({"user_id": user, "item_id": item, "type": "click", "timestamp": done[-1][1]})
        records = [LogRecord(begin + at, None, json.dumps(event).encode()) for at, event in enumerate(events)]
        step = self.shard.fold("interactions", Batch("interactions", 0, begin, begin + len(records), records))
        self.shard.commit(step)
        self.writer.renew(self.shard, step.touched)

    def held(self, user: str) -> Interests | None:
        """What Redis holds of a user's interests."""
        row = self.client.hget(KEYS.users(0).interests, user)
        return decode_interests(row) if row else None

    def expected(self, user: str) -> Interests:
        """What they come to, straight from what was done."""
        done = self.done[user][-50:]
        places = np.array([place if item in self.vectors else -1 for place, (item, _) in enumerate(done)])
        matrix = np.stack([self.vectors.get(item, np.zeros(6, np.float32)) for item, _ in done])
        times = [when for _, when in done]
        made = build_interests("s", matrix, places, [1.0] * len(done), times, max(times))
        assert made is not None
        return decode_interests(made.encode())

    def check(self, *users: str) -> None:
        """Is what Redis holds of these users what they did?"""
        for user in users:
            held, expected = self.held(user), self.expected(user)
            assert held is not None
            assert (held.seen, held.missing) == (expected.seen, expected.missing)
            np.testing.assert_allclose(held.short, expected.short, atol=2e-3)
            np.testing.assert_allclose(held.long, expected.long, atol=2e-3)


@pytest.fixture
def site(embedded_store: LocalStore) -> Iterator[Site]:
    made = Site(embedded_store.url)
    yield made
    made.client.close()


def test_interests_are_renewed_with_every_batch(site: Site) -> None:
    site.serve("s")
    for number in range(5):
        site.encode("s", f"i{number}", number)
    site.clicks(("a", "i0"), ("b", "i1"), ("a", "i2"))
    site.check("a", "b")
    site.clicks(("b", "i4"), *[("a", f"i{n % 5}") for n in range(70)])  # more than are looked at
    site.check("a", "b")


def test_an_item_whose_vector_comes_later_keeps_its_place(site: Site) -> None:
    site.serve("s")
    site.encode("s", "i0", 0)
    site.clicks(("a", "i0"), ("a", "late"), ("b", "late"))
    site.check("a")
    assert site.held("b") is None
    site.encode("s", "late", 7)
    site.clicks(("a", "i0"), ("b", "i0"))
    site.check("a", "b")


def test_a_worker_that_begins_again_numbers_items_as_before(site: Site) -> None:
    site.serve("s")
    for number in range(3):
        site.encode("s", f"i{number}", number)
    site.clicks(("a", "i2"), ("a", "i0"))
    site.begin()
    site.clicks(("b", "i1"), ("a", "i1"))
    site.check("a", "b")


def test_another_space_has_vectors_of_its_own(site: Site) -> None:
    site.clicks(("a", "i0"))
    assert site.held("a") is None  # no space is served yet
    site.serve("s")
    site.encode("s", "i0", 0)
    site.clicks(("a", "i0"))
    site.check("a")
    site.encode("t", "i0", 9)
    site.serve("t")
    site.clicks(("a", "i0"))
    held = site.held("a")
    assert held is not None
    assert held.space == "t"
    site.check("a")
