"""A large site made quickly: log, state, catalogue and vectors, as its workers would have left them.

The events go into Kafka in envelopes, and the same records through the worker's own shards into Redis, in larger
batches than a worker has; items and vectors likewise. Vectors are drawn around 200 topics. No text is encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Producer

from benchmarks.synthetic_log import ANNOUNCED_MS, DIM, drawn, envelopes, item
from coldspring import wiring
from coldspring.settings import Settings
from embedding_worker.exact_index import ExactIndex
from embedding_worker.snapshot import save
from recommender.event_types import EventTypes
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from recommender.vectors import ItemVector, StoredVector, Vector, text_hash
from streams.batch import Batch
from streams.intake import LogRecord
from streams.interests import InterestWriter
from streams.item_shard import ItemShard
from streams.redis_store import RedisItemStore, RedisUserStore, connect
from streams.stored_vectors import StoredVectors
from streams.user_shard import UserShard

TOKEN: Final = "filling"
SPACE: Final = "drawn"
ENVELOPES: Final = 20
"""In a batch: 10,000 events."""
ITEMS: Final = 2_000
IN_HAND: Final = 20_000
FLUSH_S: Final = 60.0


@dataclass(slots=True)
class Filled:
    """What a site was filled with; `ends` are the next offsets of `item-vectors`."""

    users: int
    items: int
    events: int = 0
    ends: dict[int, int] = field(default_factory=dict)


def fill(
    bootstrap: str,
    redis: str,
    cluster: str,
    topics: Topics,
    users: int,
    items: int,
    events_a_user: float = 1.2,
    interests: int = 0,
    index: Path | None = None,
) -> Filled:
    """Fill the topics and keys of one prefix, which must be empty.

    Parameters
    ----------
    interests
        So many users, spread over the partitions, get interest vectors, a view.
    index
        The folder in which serving keeps its snapshot of the index, which is written too; None for none.
    """
    filling = _Filling(bootstrap, redis, cluster, topics)
    found = filling.fill(users, items, events_a_user, interests, index)
    filling.close()
    return found


class _Filling:
    """Producer and store."""

    def __init__(self, bootstrap: str, redis: str, cluster: str, topics: Topics) -> None:
        self._topics = topics
        self._keys = Keys(cluster, topics.prefix)
        self._client: Any = connect(redis)
        self._producer = Producer(
            # one request at a time: the offsets must be those that the state says
            {"bootstrap.servers": bootstrap, "max.in.flight": 1, "linger.ms": 20, "batch.size": 900_000}
        )

    def close(self) -> None:
        """Wait until Kafka has all."""
        if self._producer.flush(FLUSH_S):
            raise SystemExit(f"Kafka did not take all within {FLUSH_S:g} s")
        self._client.close()

    def fill(self, users: int, items: int, events_a_user: float, interests: int, index: Path | None) -> Filled:
        """Items first, then partition by partition, so that one's state at a time is in hand."""
        found = Filled(users, items)
        self._fill_items(found, index)
        homes: list[list[str]] = [[] for _ in range(self._topics.partitions)]
        for number in range(users):
            homes[partition_of(f"u{number}", self._topics.partitions)].append(f"u{number}")
        for partition, names in enumerate(homes):
            self._fill_partition(partition, names, events_a_user, found)
            self._fill_interests(partition, names[: interests // len(homes)])
        return found

    def _fill_partition(self, partition: int, names: Sequence[str], events_a_user: float, found: Filled) -> None:
        shard = self._shard(partition)
        shard.reopen()
        topic, batch, offset = self._topics.interactions, list[LogRecord](), 0
        for value in envelopes(partition, names, found.items, int(events_a_user * len(names))):
            self._send(topic, partition, None, value)
            batch.append(LogRecord(offset, None, value))
            offset += 1
            if len(batch) == ENVELOPES:
                _take(shard, "interactions", Batch(topic, partition, batch[0].offset, offset, batch))
                batch = []
        if batch:
            _take(shard, "interactions", Batch(topic, partition, batch[0].offset, offset, batch))
        found.events += shard.head.applied

    def _fill_interests(self, partition: int, users: Sequence[str]) -> None:
        if users:
            shard = self._shard(partition)
            shard.reopen()
            writer = InterestWriter(self._client, self._keys, StoredVectors(self._client, self._keys, self._topics))
            writer.renew(shard, users)

    def _shard(self, partition: int) -> UserShard:
        settings = Settings()
        store = RedisUserStore(self._client, self._keys.users(partition))
        return UserShard(
            partition, self._topics.partitions, store, EventTypes(), TOKEN, b"nobody is forgotten", settings.dedupe,
            IN_HAND, wiring.caps(settings),
        )  # fmt: skip

    def _fill_items(self, found: Filled, index: Path | None) -> None:
        names, vectors = [f"i{number}" for number in range(found.items)], drawn(found.items)
        places: list[list[int]] = [[] for _ in range(self._topics.item_partitions)]
        for number, name in enumerate(names):
            places[partition_of(name, len(places))].append(number)
        for partition, numbers in enumerate(places):
            keys = self._keys.items(partition)
            shard = ItemShard(
                partition, len(places), RedisItemStore(self._client, keys), TOKEN, clock=lambda: ANNOUNCED_MS
            )
            shard.reopen()
            for begin in range(0, len(numbers), ITEMS):
                part = numbers[begin : begin + ITEMS]
                records = [
                    LogRecord(begin + place, names[number].encode(), item(number)) for place, number in enumerate(part)
                ]
                for record in records:
                    self._send(self._topics.items, partition, record.key, record.value)
                end = begin + len(part)
                _take(shard, "items", Batch(self._topics.items, partition, begin, end, records))
                self._put(partition, begin, [(names[number], vectors[number]) for number in part])
            self._client.set(f"{keys.vectors(SPACE)}:head", len(numbers))
            found.ends[partition] = len(numbers)
        self._client.set(self._keys.space, SPACE)
        if index is not None:
            whole = ExactIndex(DIM)
            whole.put_many(zip(names, vectors, strict=True))
            save(index, whole, SPACE, SPACE, found.ends)

    def _put(self, partition: int, begin: int, part: Sequence[tuple[str, Vector]]) -> None:
        """Vectors onto their topic and into Redis, as the embedding worker does."""
        rows: dict[str, bytes] = {}
        for place, (name, vector) in enumerate(part):
            value, headers = ItemVector(vector, SPACE, SPACE, begin + place).encode()
            self._send(self._topics.item_vectors, partition, name.encode(), value, headers)
            rows[name] = StoredVector(vector, begin + place, ANNOUNCED_MS, text_hash(name)).encode()
        self._client.hset(self._keys.items(partition).vectors(SPACE), mapping=rows)

    def _send(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Any = None) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition, headers=headers or [])
            except BufferError:  # its queue is full
                self._producer.poll(0.05)
            else:
                self._producer.poll(0)
                return


def _take(shard: UserShard | ItemShard, kind: str, batch: Batch) -> None:
    """Fold and write."""
    if isinstance(shard, ItemShard):
        shard.commit(shard.fold(kind, batch))
        return
    step = shard.fold(kind, batch)
    if step.dead:
        raise SystemExit(f"{len(step.dead)} events were set aside: {step.dead[0]}")
    shard.commit(step)
