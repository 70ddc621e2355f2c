"""Item vectors as the embedding worker keeps them in Redis, through a small cache, and when items were announced."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import cast

import msgspec
import redis

from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from recommender.vectors import BadVectorError, Vector, decode_stored


class _Announced(msgspec.Struct):
    """Of an item's row, the event time in ms."""

    timestamp: int


_TIME = msgspec.json.Decoder(_Announced)
CACHED = 20_000
FRESH_S = 30.0


class StoredVectors:
    """Vectors of the space that is served now. Blocking; `clock` is in seconds.

    A vector may be `FRESH_S` old; one that was missing is asked for again. Errors are redis-py's.
    """

    def __init__(
        self, client: redis.Redis, keys: Keys, topics: Topics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._keys = keys
        self._topics = topics
        self._clock = clock
        self._vectors: dict[str, Vector] = {}
        self.generation = 0
        """Another one whenever all vectors at hand were let go."""
        self._expires = 0.0
        self.space = ""

    def are_served(self) -> bool:
        """Is there a space of vectors at all?"""
        self._refresh()
        return bool(self.space)

    def get(self, items: Collection[str]) -> dict[str, Vector]:
        """The vectors that there are; none at all while no space is served."""
        if self.are_served():
            self._fetch(set(items) - self._vectors.keys())
        return {item: self._vectors[item] for item in items if item in self._vectors}

    def announced(self, items: Collection[str]) -> dict[str, int]:
        """When items were announced, event time in ms; without those that are not announced."""
        times: dict[str, int] = {}
        for partition, wanted in self._by_partition(items).items():
            for item, data in zip(wanted, self._hmget(self._keys.items(partition).items, wanted), strict=True):
                if data is not None:
                    times[item] = _TIME.decode(data).timestamp
        return times

    def _refresh(self) -> None:
        if self._clock() < self._expires and len(self._vectors) < CACHED:
            return
        stored = self._client.get(self._keys.space)
        self.space = stored.decode() if isinstance(stored, bytes) else ""
        self._vectors.clear()
        self.generation += 1
        self._expires = self._clock() + (FRESH_S if self.space else 1.0)

    def _fetch(self, items: set[str]) -> None:
        for partition, wanted in self._by_partition(items).items():
            key = self._keys.items(partition).vectors(self.space)
            for item, data in zip(wanted, self._hmget(key, wanted), strict=True):
                if data is None:
                    continue
                try:
                    self._vectors[item] = decode_stored(data).vector
                except BadVectorError:
                    continue  # a foreign row: the embedding worker will write it anew

    def _by_partition(self, items: Collection[str]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for item in sorted(items):
            found.setdefault(partition_of(item, self._topics.item_partitions), []).append(item)
        return found

    def _hmget(self, key: str, fields: list[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", self._client.hmget(key, fields))
