"""Processor time of the processes of a running site, above what they take when nothing is asked of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.ask import Http
from benchmarks.processes import family, used

IDLE_S: Final = 5.0
QUIET_S: Final = 0.5
LIMIT_S: Final = 60.0
CALM: Final = 6
"""So many looks in a row must find nothing waiting: figures are told, and heard, once a second."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a phase took: how many it did, wall seconds until all was quiet again, processor seconds by process."""

    count: int
    seconds: float
    cpu: Mapping[str, float]
    idle: Mapping[str, float]
    """Cores that each process takes when idle."""

    @property
    def a_million(self) -> float:
        """Core-seconds of all processes together, a million."""
        return 1e6 * sum(self.cpu.values()) / max(1, self.count)

    def by_process(self) -> dict[str, float]:
        """Core-seconds a million of each process."""
        return {name: round(1e6 * took / max(1, self.count), 1) for name, took in self.cpu.items()}


class Meter:
    """Reads the processes of a site."""

    def __init__(self, http: Http, pids: Mapping[str, int]) -> None:
        self._http = http
        self._pids = pids

    def read(self) -> dict[str, float]:
        """Processor seconds of each so far; with those that it started, but for `up`, whose children are named."""
        return {
            name: used([pid] if name == "up" else [process.pid for process in family(pid)]).cpu_s
            for name, pid in self._pids.items()
        }

    async def phase(self, work: Callable[[], Awaitable[int]]) -> Spent:
        """Look at the idle site, do the work (which says how much it was), and wait until nothing is left of it."""
        await self.quiet()
        before, began = self.read(), time.monotonic()
        await asyncio.sleep(IDLE_S)
        after, took = self.read(), time.monotonic() - began
        idle = {name: (after[name] - before[name]) / took for name in before}
        before, began = self.read(), time.monotonic()
        count = await work()
        await self.quiet()
        after, took = self.read(), time.monotonic() - began
        cpu = {name: after[name] - before[name] - idle[name] * took for name in before}
        return Spent(count, took, cpu, idle)

    async def quiet(self) -> None:
        """Wait until workers and trainer have read all, and the index holds all in its graph or its newest."""
        deadline, calm = time.monotonic() + LIMIT_S, 0
        while calm < CALM:
            status = await self._http.get("/v1/status")
            calm = calm + 1 if status.get("lag") == 0 and status.get("trainer_lag") == 0 else 0
            if time.monotonic() > deadline:
                raise SystemExit(f"after {LIMIT_S:g} s the site lags: {status.get('lag')}, {status.get('trainer_lag')}")
            await asyncio.sleep(QUIET_S)
