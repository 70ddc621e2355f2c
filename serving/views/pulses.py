"""The figures that the other processes tell of themselves, summed for the status."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import redis.asyncio as redis
from redis.exceptions import RedisError

from recommender.keys import Keys

log = logging.getLogger(__name__)
LOOK_S: Final = 1.0
ALIVE_MS: Final = 10_000


class Pulses:
    """Follows the processes' pulses.

    Parameters
    ----------
    clock
        Wall time in ms.
    heard
        Told up to when (ms) a worker's partitions' states include their logs, also by workers that are gone.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        heard: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        self._client: Any = client
        self._key = keys.pulses
        self._clock = clock
        self._heard = heard
        self._alive: list[dict[str, Any]] = []

    async def run(self) -> None:
        """Look once a second until cancelled; while the store is away, nobody is heard."""
        while True:
            try:
                told = [msgspec.json.decode(value) for value in (await self._client.hgetall(self._key)).values()]
                for one in told:
                    self._heard(one.get("until", {}))
                self._alive = [one for one in told if self._clock() - one.get("at_ms", 0) < ALIVE_MS]
            except (RedisError, OSError, TimeoutError) as error:
                for one in told:
                    self._heard(one.get("until", {}))
                self._alive = []
                log.debug("no pulse is heard: %s", error)
            await asyncio.sleep(LOOK_S)

    def figures(self) -> dict[str, Any]:
        """For the status; `lag` in records is absent while no worker is heard."""
        out: dict[str, Any] = {"processes": dict(Counter(str(one.get("role")) for one in self._alive))}
        workers = [one for one in self._alive if one.get("role") == "worker"]
        if workers:
            out["lag"] = sum(sum(one.get("lag", {}).values()) for one in workers)
            out["event_to_state"] = _summed([one["event_to_state"] for one in workers])
            stages = {name for one in workers for name in one["stages"]}
            out["event_stages"] = {name: _summed([one["stages"][name] for one in workers]) for name in sorted(stages)}
            counts: Counter[str] = Counter()
            for one in workers:
                counts.update(one.get("counts", {}))
            prefix = "dead_letters:"
            out["dead_letters"] = {k[len(prefix) :]: n for k, n in counts.items() if k.startswith(prefix)}
        trainers = [one for one in self._alive if one.get("role") == "trainer"]
        if trainers:
            out["trainer_lag"] = sum(sum(one.get("lag", {}).values()) for one in trainers)
        return out


def _summed(histograms: list[dict[str, Any]]) -> dict[str, Any]:
    counts = [sum(column) for column in zip(*(one["counts"] for one in histograms), strict=True)]
    return {"bounds": histograms[0]["bounds"], "counts": counts, "sum": sum(one["sum"] for one in histograms)}
