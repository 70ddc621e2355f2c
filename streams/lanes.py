"""Batches of one topic on their way to its handler: partitions side by side, and what waits in one goes together.

A batch costs about the same whatever it holds (acknowledged examples, one guarded write), and the embedded broker
gives out one produced batch at a time. Without this, 500 single events a second would be 500 writes a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from recommender.tasks import end
from streams.batch import Batch

MOST: Final = 8_000
"""Whoever brings a batch waits while so many records wait already."""


class Lane:
    """The way of one partition: batches come in, joined ones go to the handler, in order, one at a time."""

    def __init__(self, handler: Callable[[Batch], Awaitable[None]]) -> None:
        self._handler = handler
        self._waiting: deque[Batch] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def put(self, batch: Batch) -> None:
        """Hand a batch over; raises what the handler raised on an earlier one."""
        while not self.task.done() and sum(len(each.records) for each in self._waiting) >= MOST:
            self._room.clear()
            room = asyncio.create_task(self._room.wait())
            await asyncio.wait({room, self.task}, return_when=asyncio.FIRST_COMPLETED)
            room.cancel()
        if self.task.done():
            self.task.result()
        self._waiting.append(batch)
        self._news.set()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            together = [self._waiting.popleft()]
            # What does not follow on was fetched after a seek, and is another batch.
            while self._waiting and self._waiting[0].begin == together[-1].next:
                together.append(self._waiting.popleft())
            if not self._waiting:
                self._news.clear()
            self._room.set()
            await self._handler(joined(together))


class Lanes:
    """A lane for each partition of a topic."""

    def __init__(self, handler: Callable[[Batch], Awaitable[None]]) -> None:
        self._handler = handler
        self._lanes: dict[int, Lane] = {}

    async def put(self, batch: Batch) -> None:
        """Hand a batch to its partition's lane."""
        if batch.partition not in self._lanes:
            self._lanes[batch.partition] = Lane(self._handler)
        await self._lanes[batch.partition].put(batch)

    async def close(self) -> None:
        """Stop at once; what was not applied will be read again."""
        await end(*(lane.task for lane in self._lanes.values()))


def joined(batches: list[Batch]) -> Batch:
    """One batch of several that follow each other."""
    if len(batches) == 1:
        return batches[0]
    first = batches[0]
    records = [record for batch in batches for record in batch.records]
    return Batch(first.topic, first.partition, first.begin, batches[-1].next, records)
