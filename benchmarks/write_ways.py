"""The two ways to write of `benchmarks.writes`: the click worker's guarded write, and SETs of the same sizes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec

from benchmarks.processes import used
from benchmarks.write_parts import Content, content_of
from coldspring.dataset import interactions
from recommender.event_types import EventTypes
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.batch import Batch
from streams.intake import LogRecord
from streams.memory_store import MemoryUserStore
from streams.redis_store import RedisUserStore, connect
from streams.store import UserStore
from streams.user_shard import UserShard
from tests.rig.redis_server import RedisServer

PARTITION = 0
WARM_BATCH = 1_000


class Ways:
    """One partition's records, Redis, and the two ways to write; each gives microseconds a key."""

    def __init__(self, redis: RedisServer, topics: Topics, warm: int, events: int) -> None:
        self._client: Any = connect(redis.url)
        self._client.config_set("auto-aof-rewrite-percentage", 0)  # the file only grows
        self._redis, self._topics, self._warm = redis, topics, warm
        mine = (each for each in interactions() if partition_of(each["user_id"], topics.partitions) == PARTITION)
        self.records = [
            LogRecord(offset, event["user_id"].encode(), msgspec.json.encode(event))
            for offset, event in zip(range(warm + events), mine, strict=False)
        ]
        self.events = len(self.records) - warm
        if self.events <= 0:
            raise SystemExit(f"this partition has {len(self.records)} events, which does not leave any to measure")
        self._number = count()
        self._values: dict[int, list[list[bytes]]] = {}
        self.seen: dict[int, list[dict[str, float]]] = {}

    def contents(self, size: int) -> list[Content]:
        """What each measured batch of so many events writes; kept for the floor."""
        shard = self._shard(MemoryUserStore())
        found = []
        for batch in self._batches(size):
            step = shard.fold("interactions", batch)
            found.append(content_of(step.write))
            shard.commit(step)
        self._values[size] = [[bytes(each) for each in content.sizes] for content in found]
        return found

    def guarded(self, size: int) -> float:
        """The guarded write of every batch, into a state of its own."""
        keys = Keys(f"writes{next(self._number)}").users(PARTITION)
        shard = self._shard(RedisUserStore(self._client, keys))
        wall_s = client_s = 0.0
        before, file = used([self._redis.pid]).cpu_s, self._file()
        for batch in self._batches(size):
            step = shard.fold("interactions", batch)
            cpu_s, began = time.thread_time(), time.perf_counter()
            shard.commit(step)
            wall_s += time.perf_counter() - began
            client_s += time.thread_time() - cpu_s
        # In the server's time, and only there, are also the rows that a fold reads.
        redis_s, grown = used([self._redis.pid]).cpu_s - before, self._file() - file
        keys_written = sum(map(len, self._values[size]))
        self.seen.setdefault(size, []).append(
            {
                "client_us_a_key": 1e6 * client_s / keys_written,
                "server_us_a_key": 1e6 * redis_s / keys_written,
                "us_a_write": 1e6 * wall_s / len(self._values[size]),
                "file_bytes_an_event": grown / self.events,
            }
        )
        self._client.flushdb()
        return 1e6 * wall_s / keys_written

    def floor(self, size: int) -> float:
        """As many SETs."""
        wall_s = 0.0
        for values in self._values[size]:
            names = [f"set:{place}" for place in range(len(values))]
            began = time.perf_counter()
            pipe = self._client.pipeline(transaction=False)
            for name, value in zip(names, values, strict=True):
                pipe.set(name, value)
            pipe.execute()
            wall_s += time.perf_counter() - began
        self._client.flushdb()
        return 1e6 * wall_s / sum(map(len, self._values[size]))

    def _shard(self, store: UserStore) -> UserShard:
        """A partition's state with what lies before the measured events."""
        shard = UserShard(PARTITION, self._topics.partitions, store, EventTypes(), "bench", secrets.token_bytes(32))
        shard.reopen()
        for batch in self._cut(0, self._warm, WARM_BATCH):
            shard.commit(shard.fold("interactions", batch))
        return shard

    def _batches(self, size: int) -> Iterator[Batch]:
        return self._cut(self._warm, len(self.records), size)

    def _cut(self, begin: int, end: int, size: int) -> Iterator[Batch]:
        for at in range(begin, end, size):
            upto = min(at + size, end)
            yield Batch(self._topics.interactions, PARTITION, at, upto, self.records[at:upto])

    def _file(self) -> int:
        return int(self._client.info("persistence")["aof_current_size"])
