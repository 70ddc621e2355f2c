"""Commands to running workers, one JSON object a record: `{"command": "reopen", "timestamp": ms}`.

`reopen` makes every worker drop what it has in hand and continue from the store, for instance
after an operator restored a backup. Commands older than the worker are history, not orders.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import msgspec

from streams.batch import Batch

logger = logging.getLogger(__name__)


class Command(msgspec.Struct, frozen=True):
    """One command; timestamp in ms, wall clock."""

    command: str
    timestamp: int = 0


class Control:
    """The agent of `control`; `started` is this worker's start in ms."""

    def __init__(self, reopen: Callable[[], Awaitable[None]], started: int) -> None:
        self._reopen = reopen
        self._started = started

    async def take(self, batch: Batch) -> None:
        """Obey the commands of a batch; what is none is said and left."""
        for record in batch.records:
            try:
                command = msgspec.json.decode(record.value or b"", type=Command)
            except (msgspec.DecodeError, RecursionError):
                logger.warning("control[%d] at %d: not a command", batch.partition, record.offset)
                continue
            if max(command.timestamp, record.timestamp) < self._started:
                continue
            if command.command == "reopen":
                await self._reopen()
            else:
                logger.warning("control: unknown command %.40r", command.command)
