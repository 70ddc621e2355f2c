"""What is liked in which context, as the trainer publishes it. Optional: without it lists have no part of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import redis.asyncio as redis
from redis.exceptions import RedisError

from online_models.context_trends import Around, ContextTrends
from recommender.keys import Keys

log = logging.getLogger(__name__)

LOOK_S: Final = 5.0


class ContextView:
    """Follows the trainer; `run` must be running."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client: Any = client
        self._key = keys.trainer("context")
        self._trends = ContextTrends()
        self._told: bytes | None = None

    def around(self, context: Mapping[str, Any]) -> Around | None:
        """What is known of a context."""
        return self._trends.around(context)

    async def run(self) -> None:
        """Follow until cancelled; while the store is away, keep what is known."""
        while True:
            try:
                await self.follow()
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("nothing of contexts now: %s", error)
            await asyncio.sleep(LOOK_S)

    async def follow(self) -> None:
        """Take in what is new; raises redis' errors."""
        told = await self._client.get(self._key)
        if told and told != self._told:
            trends = ContextTrends()
            trends.load_state(msgspec.json.decode(told))
            self._trends, self._told = trends, told
