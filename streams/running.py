"""A Faust app as part of a process: started, watched, stopped; a failing agent ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import faust

from recommender.tasks import end
from streams.app import Handler
from streams.batch import Batch

logger = logging.getLogger(__name__)
LOOK_S = 0.5
FAREWELL_S = 5.0


class Watch:
    """Notices the first agent that fails: Faust alone would log it and go on with the next batch."""

    def __init__(self) -> None:
        self._error: Exception | None = None
        self._noticed = asyncio.Event()

    def guarded(self, handler: Handler) -> Handler:
        """`handler`, but an exception stops the agent for good and is raised by `failure`."""

        async def guarded(batch: Batch) -> None:
            try:
                await handler(batch)
            except Exception as error:
                logger.exception("%s[%d] at %d failed", batch.topic, batch.partition, batch.begin)
                self.report(error)
                await asyncio.Event().wait()

        return guarded

    def report(self, error: Exception) -> None:
        """A failure outside the agents."""
        self._error = self._error or error
        self._noticed.set()

    async def failure(self) -> None:
        """Wait for a failure and raise it."""
        await self._noticed.wait()
        if self._error:
            raise self._error


async def run_app(
    app: faust.App,
    watch: Watch,
    stop: asyncio.Event,
    ready: Callable[[], None],
    *besides: Coroutine[Any, Any, None],
) -> None:
    """Run `app` until `stop` is set; raises what made an agent, or one of `besides`, fail."""
    # Faust's start returns when the group has been joined, which may never come: what watches must not wait for it.
    waiting = asyncio.create_task(stop.wait())
    others = (watch.failure(), _live(app, ready), *besides)
    tasks = [waiting, *(asyncio.create_task(other) for other in others)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(*tasks)
        await in_time(app.stop())


async def in_time(farewell: Coroutine[Any, Any, Any]) -> None:
    """Wait for a farewell, but not for ever: while all brokers are away, libraries do (aiokafka #659)."""
    task = asyncio.create_task(farewell)
    done, _ = await asyncio.wait({task}, timeout=FAREWELL_S)
    if done:
        task.result()
    else:
        logger.warning("Kafka is away: leaving without a farewell")


async def _live(app: faust.App, ready: Callable[[], None]) -> None:
    """Start; then wait until a service of Faust's crashed, which it only logs, and raise what it crashed of."""
    await app.start()
    ready()
    while not app.crashed:  # noqa: ASYNC110 - Faust's own event for it belongs to a loop that may not run yet
        await asyncio.sleep(LOOK_S)
    raise RuntimeError("a part of the Faust app crashed") from app.crash_reason
