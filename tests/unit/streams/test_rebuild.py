"""The rebuild of a partition, where it can be watched step by step."""

import json

import pytest

from recommender.event_types import EventTypes
from streams.batch import Batch
from streams.digest import partition_digest
from streams.intake import LogRecord
from streams.memory_log import MemoryLog
from streams.memory_store import MemoryUserStore
from streams.rebuild import KINDS, Rebuild
from streams.store import UserStore
from streams.user_shard import StaleOwnerError, UserShard

TOPICS = {kind: kind for kind in KINDS}


def shard_over(store: UserStore, token: str = "me", key: bytes = b"k" * 16) -> UserShard:
    return UserShard(0, 1, store, EventTypes(), token, key)


class Place:
    """One partition with its log."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.store = MemoryUserStore()
        self.shard = shard_over(self.store)
        self.shard.reopen()

    def take(self, kind: str, *events: dict[str, object]) -> None:
        begin = self.log.bounds(kind, 0)[1]
        records = [LogRecord(begin + at, None, json.dumps(event).encode()) for at, event in enumerate(events)]
        batch = Batch(kind, 0, begin, begin + len(records), records)
        self.log.add(batch)
        self.shard.commit(self.shard.fold(kind, batch))

    def rebuild(self) -> Rebuild:
        return Rebuild(self.shard, self.store, shard_over, self.log, TOPICS)

    def begun(self) -> Rebuild:
        """A rebuild that has come as far as the live state."""
        rebuild = self.rebuild()
        rebuild.begin()
        rebuild.catch_up()
        return rebuild


def click(user: str, item: str, at: int) -> dict[str, object]:
    return {"user_id": user, "item_id": item, "type": "click", "timestamp": at}


def owes(place: Place) -> bool:
    return place.shard.owes_unlearning


def without(*users: str) -> bytes:
    place = Place()
    place.take("interactions", *(event for event in EVENTS if event["user_id"] not in users))
    return partition_digest(place.store)


EVENTS = [click(f"u{n % 3}", f"i{n % 7}", 1_000 + n) for n in range(60)]


def test_who_is_forgotten_during_a_rebuild_is_owed_the_next_one() -> None:
    place = Place()
    place.take("interactions", *EVENTS)
    place.take("forgets", {"user_id": "u1", "timestamp": 9_000})
    assert owes(place)
    rebuild = place.begun()
    place.take("forgets", {"user_id": "u2", "timestamp": 9_000})
    rebuild.finish()
    assert place.shard.state.user("u2") is None, "erased, and not brought back"
    assert owes(place), "their events still count"
    place.begun().finish()
    assert not owes(place)
    assert partition_digest(place.store) == without("u1", "u2")


def test_events_that_come_during_a_rebuild_are_in_it() -> None:
    place = Place()
    place.take("interactions", *EVENTS[:40])
    place.take("forgets", {"user_id": "u1", "timestamp": 9_000})
    rebuild = place.begun()
    place.take("interactions", *EVENTS[40:])
    rebuild.finish()
    assert partition_digest(place.store) == without("u1")
    assert place.shard.next_offset("interactions") == len(EVENTS)


def test_a_partition_that_was_lost_is_not_swapped() -> None:
    place = Place()
    place.take("interactions", *EVENTS)
    place.take("forgets", {"user_id": "u1", "timestamp": 9_000})
    rebuild = place.begun()
    other = shard_over(place.store, "other")
    other.reopen()
    with pytest.raises(StaleOwnerError):
        rebuild.finish()
    assert other.owes_unlearning, "the next owner knows what is owed"


def test_a_worker_with_another_key_learns_who_was_forgotten_from_the_log() -> None:
    place = Place()
    place.take("interactions", *EVENTS)
    place.take("forgets", {"user_id": "u1", "timestamp": 9_000})
    place.begun().finish()

    place.shard = shard_over(place.store, "other", b"another key of 16 bytes")
    place.shard.reopen()
    assert owes(place)
    place.take("interactions", click("u1", "late", 8_000))
    rebuild = Rebuild(
        place.shard,
        place.store,
        lambda store: shard_over(store, "other", b"another key of 16 bytes"),
        place.log,
        TOPICS,
    )
    rebuild.begin()
    rebuild.catch_up()
    rebuild.finish()
    assert partition_digest(place.store) == without("u1")
    place.take("interactions", click("u1", "late", 8_500))
    assert partition_digest(place.store) == without("u1")
