"""A process's own figures, once a second in Redis, where serving reads them: a view, never state."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import redis

from recommender.keys import Keys

logger = logging.getLogger(__name__)

GONE_MS = 60_000
"""Whoever was silent for so long is struck off by the next that starts."""


class Pulse:
    """Counters of one process, and whatever else it tells of itself.

    Parameters
    ----------
    role, token
        Name the process among all.
    figures
        More to tell, asked for at each beat, in the event loop.
    chore
        Blocking work on the store that goes with a beat.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        role: str,
        token: str,
        figures: Callable[[], dict[str, Any]] = dict,
        chore: Callable[[], None] = lambda: None,
        interval_s: float = 1.0,
    ) -> None:
        self._client = client
        self._key = keys.pulses
        self._field = f"{role}:{token}"
        self._role = role
        self._figures = figures
        self._chore = chore
        self._interval_s = interval_s
        self._counts: Counter[str] = Counter()
        self.told: dict[str, Any] = {}
        """What was told last."""

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self._counts[name] += by

    async def beat(self) -> None:
        """Write the figures once an interval, for ever; a store that is away is skipped."""
        loop = asyncio.get_running_loop()
        struck_off = False
        while True:
            await asyncio.sleep(self._interval_s)
            now = time.time_ns() // 1_000_000
            self.told = {"role": self._role, "at_ms": now, "counts": dict(self._counts), **self._figures()}
            try:
                if not struck_off:
                    await loop.run_in_executor(None, self._strike_off)
                    struck_off = True
                await loop.run_in_executor(None, self._write, msgspec.json.encode(self.told))
            except (redis.RedisError, OSError) as error:
                logger.debug("no pulse: %s", error)

    def _write(self, value: bytes) -> None:
        self._client.hset(self._key, self._field, value)
        self._chore()

    def _strike_off(self) -> None:
        told: Any = self._client.hgetall(self._key)
        now = time.time_ns() // 1_000_000
        gone = [name for name, value in told.items() if now - msgspec.json.decode(value).get("at_ms", 0) > GONE_MS]
        if gone:
            self._client.hdel(self._key, *gone)
