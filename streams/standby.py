"""What a worker without partitions watches: all of them.

It may have none because there are enough other workers, or because the group has lost it (a join can hang without an
error while a fresh broker elects its leaders). In either case, where the log grows and nobody's state moves, a new
start makes the group deal its partitions again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import redis
from faust.types import TP

from recommender.head import decode_item_head, decode_user_head
from recommender.keys import Keys
from recommender.topics import Topics
from streams.steps import USER_KINDS


async def stored_ends(client: redis.Redis, keys: Keys, topics: Topics) -> Mapping[TP, int]:
    """Where the stored state of every partition ends. Raises `OSError` while the store is away."""
    try:
        return await asyncio.to_thread(_read, client, keys, topics)
    except redis.RedisError as error:
        raise OSError(f"the store is away: {type(error).__name__}") from error


def _read(client: Any, keys: Keys, topics: Topics) -> dict[TP, int]:
    ends = {}
    heads = client.mget([keys.users(partition).head for partition in range(topics.partitions)])
    for partition, data in enumerate(heads):
        known = decode_user_head(data).next
        for kind in USER_KINDS:
            ends[TP(topics.name(kind), partition)] = known.get(kind, 0)
    heads = client.mget([keys.items(partition).head for partition in range(topics.item_partitions)])
    for partition, data in enumerate(heads):
        ends[TP(topics.items, partition)] = decode_item_head(data).next.get("items", 0)
    return ends
