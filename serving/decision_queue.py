"""Served lists on their way to `decisions`: a share of them, never at the cost of an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from recommender.partitioning import murmur2
from recommender.query import RecommendationList
from recommender.tasks import end

log = logging.getLogger(__name__)

_HASHES: Final = 2**32
_BATCH: Final = 200
_COMPANY_S: Final = 0.05
"""A list waits so long for others: writing twenty together costs what writing three by themselves does."""


class DecisionQueue:
    """A bounded queue that one task drains into `write`; what does not fit, or fails, is dropped and counted.

    Parameters
    ----------
    share
        The share of lists that is kept, 0 to 1; which ones is decided by the hash of their request_id.
    """

    def __init__(
        self, write: Callable[[Sequence[RecommendationList]], Awaitable[None]], share: float = 1.0, size: int = 2_000
    ) -> None:
        self._write = write
        self._below = share * _HASHES
        self._queue: asyncio.Queue[RecommendationList] = asyncio.Queue(size)
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def offer(self, served: RecommendationList) -> None:
        """Take a list, without waiting."""
        if murmur2(served.request_id.encode()) >= self._below:
            return
        try:
            self._queue.put_nowait(served)
        except asyncio.QueueFull:
            self.dropped += 1

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._drain())

    async def close(self, within_s: float = 1.0) -> None:
        """Write what is left, for a moment, and stop."""
        if self._task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._queue.join()
        await end(self._task)
        self._task = None

    async def _drain(self) -> None:
        while True:
            batch = [await self._queue.get()]
            await asyncio.sleep(_COMPANY_S)
            while len(batch) < _BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await self._write(batch)
            except Exception:  # a lost decision costs a lesson, a dead task would cost them all
                self.dropped += len(batch)
                log.debug("%d decisions were not written", len(batch), exc_info=True)
            finally:
                for _ in batch:
                    self._queue.task_done()
