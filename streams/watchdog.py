"""Notices a worker that does not get on though there is something to do.

Consumers can fall silent without an error (aiokafka #847, #1037, #1154; Faust #175, #596, #629, #640). Nothing inside
the process can be trusted then, so it ends, and whoever started it starts it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.types import TP

logger = logging.getLogger(__name__)

LOOKS: Final = 6
"""So often within the time that a worker may stand still."""
ASK_S: Final = 10.0


class NoProgressError(Exception):
    """There are records, Kafka and the store answer, and still nothing moves."""


class Progress:
    """Since when each partition has stood still though there was something to do. Times in seconds."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._stands: dict[TP, tuple[int, float]] = {}

    def excuse(self) -> None:
        """Whoever waits for Kafka or the store may stand still."""
        self._stands.clear()

    def look(self, positions: Mapping[TP, int], ends: Mapping[TP, int], now: float) -> None:
        """Compare where each partition's state ends with where its log ends.

        Raises
        ------
        NoProgressError: when one stood still for the limit.
        """
        before, self._stands = self._stands, {}
        for tp, position in positions.items():
            if position >= ends.get(tp, 0):
                continue
            where, since = before.get(tp, (-1, now))
            since = since if where == position else now
            self._stands[tp] = (position, since)
            if now - since >= self._limit_s:
                raise NoProgressError(
                    f"{tp.topic}[{tp.partition}] stood at {position} of {ends[tp]} for {now - since:.0f} s though "
                    "Kafka and the store answer: ending, to be started again"
                )


class Watchdog:
    """Asks the broker itself how far the logs go, apart from the worker's own consumer.

    Parameters
    ----------
    positions
        Where the state of every partition ends that is this worker's to move. Raises `OSError` while that is not known.
    excused
        Whether the worker waits for the store or the broker, which is no standing still.
    limit_s
        How long it may stand still.
    """

    def __init__(
        self,
        bootstrap: str,
        positions: Callable[[], Awaitable[Mapping[TP, int]]],
        excused: Callable[[], bool],
        limit_s: float,
    ) -> None:
        self._bootstrap = bootstrap
        self._positions = positions
        self._excused = excused
        self._pause_s = limit_s / LOOKS
        self._progress = Progress(limit_s)

    async def watch(self) -> None:
        """Look until cancelled; raises `NoProgressError`."""
        asking: Any = None
        try:
            while True:
                await asyncio.sleep(self._pause_s)
                try:
                    asking = asking or await self._connect()
                    positions = await self._positions()
                    ends = await asyncio.wait_for(asking.end_offsets(list(positions)), ASK_S) if positions else {}
                except (KafkaError, OSError, TimeoutError) as error:
                    logger.debug("how far log and state go can't be asked for: %s", error)
                    await _closed(asking)
                    asking = None
                    self._progress.excuse()
                    continue
                if self._excused():
                    self._progress.excuse()
                else:
                    self._progress.look(positions, ends, asyncio.get_running_loop().time())
        finally:
            await _closed(asking)

    async def _connect(self) -> Any:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )
        try:
            await asyncio.wait_for(consumer.start(), ASK_S)
        except BaseException:
            await _closed(consumer)
            raise
        return consumer


async def _closed(consumer: Any) -> None:
    if consumer is not None:
        with suppress(Exception):
            await asyncio.wait_for(consumer.stop(), ASK_S)
