"""Item vectors in Redis, partition by partition, with the position they include.

As with all state (design, law 2) a batch's vectors and the partition's next offset are written in
one step, which checks that the position is still the one the batch began at. Kafka's committed
offset is a hint; a Redis that lost its last second takes its position back with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import WatchError

from recommender.keys import Keys
from recommender.vectors import BadVectorError, StoredVector, decode_stored


def connect(url: str, timeout_s: float = 5.0) -> redis.Redis:
    """A client that never repeats a command by itself: after a lost reply the position tells what happened."""
    return redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )


class VectorStore:
    """The vectors of one space. Every call may raise `redis.exceptions.RedisError` or `OSError`."""

    def __init__(self, client: redis.Redis, keys: Keys, space: str, dim: int) -> None:
        # redis-py's types say "awaitable or not"; this client is the awaitable one.
        self._client: Any = client
        self._keys = keys
        self._space = space
        self._dim = dim

    def _vectors(self, partition: int) -> str:
        return self._keys.items(partition).vectors(self._space)

    def _head(self, partition: int) -> str:
        return self._vectors(partition) + ":head"

    async def announce(self, if_lost: bool = False) -> None:
        """Name this space as the one that is served now; with `if_lost` only where the store names none."""
        await self._client.set(self._keys.space, self._space, nx=if_lost)

    async def position(self, partition: int) -> int | None:
        """The next offset of `items` that the vectors do not include; None if nothing is held."""
        found = await self._client.get(self._head(partition))
        return None if found is None else int(found)

    async def read(self, partition: int, item_ids: Sequence[str]) -> dict[str, StoredVector]:
        """What is held of some items; what can't be read counts as not held."""
        if not item_ids:
            return {}
        found: dict[str, StoredVector] = {}
        values = await self._client.hmget(self._vectors(partition), list(item_ids))
        for item_id, value in zip(item_ids, values, strict=True):
            if value is not None:
                try:
                    found[item_id] = decode_stored(value, self._dim)
                except BadVectorError:
                    continue
        return found

    async def write(
        self,
        partition: int,
        expected: int | None,
        following: int,
        put: Mapping[str, StoredVector],
        remove: Sequence[str],
    ) -> bool:
        """Vectors and position in one step; False, and nothing written, if the position is not `expected`."""
        vectors, head = self._vectors(partition), self._head(partition)
        async with self._client.pipeline(transaction=True) as pipe:
            try:
                await pipe.watch(head)
                held = await pipe.get(head)
                if (None if held is None else int(held)) != expected:
                    return False
                pipe.multi()
                if put:
                    pipe.hset(vectors, mapping={item_id: vector.encode() for item_id, vector in put.items()})
                if remove:
                    pipe.hdel(vectors, *remove)
                pipe.set(head, following)
                await pipe.execute()
            except WatchError:
                return False
        return True

    async def note_failure(self, partition: int, item_id: str, offset: int, why: str) -> None:
        """Keep the name of an item that could not be encoded, for whoever looks after it."""
        await self._client.hset(self._vectors(partition) + ":failed", item_id, f"{offset} {why[:200]}")
