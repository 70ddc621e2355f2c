"""The click model's weights as the trainer publishes them. Without them lists are the blend's."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import msgspec
import redis.asyncio as redis
from redis.exceptions import RedisError

from online_models.click_weights import AFTER, ClickWeights
from recommender.keys import Keys

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0


class ClickModelView:
    """Follows the trainer; `run` must be running. `after`: choices before the model has a say."""

    def __init__(self, client: redis.Redis, keys: Keys, after: int = AFTER) -> None:
        self._client: Any = client
        self._key = keys.trainer("click_model")
        self._seen: bytes | None = None
        self.weights = ClickWeights(after=after)

    async def run(self) -> None:
        """Follow until cancelled; while the store is away, keep what is known."""
        while True:
            try:
                await self.follow()
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("nothing of the click model now: %s", error)
            await asyncio.sleep(LOOK_S)

    async def follow(self) -> None:
        """Take in what is new."""
        told = await self._client.get(self._key)
        if told and told != self._seen:
            self.weights.take(msgspec.json.decode(told))
            self._seen = told

    def figures(self) -> dict[str, Any]:
        """For the status: choices learned, how much the model is trusted, how likely each place is looked at."""
        weights = self.weights
        if not weights.choices:
            return {}
        return {
            "click_model": {
                "version": weights.version,
                "choices": round(weights.choices, 3),
                "trust": round(weights.trust, 4),
                "examination": weights.examination,
            }
        }
