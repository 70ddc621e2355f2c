"""Redis' own files after a forget: they hold old commands and old rows until Redis writes them anew.

Asked for after every forget and every rebuild. A server that lets nobody ask (some hosted
ones) is said in the log; its operator has to see to its files.

And asked for after every restart of the server, because of a fault of Redis (seen in 7.0.15): when a crash cuts the
append-only file in the middle of a transaction's command, the restart drops the transaction but leaves its beginning
in the file, and the *next* restart runs these commands, together with the transaction that was appended after them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import redis

from streams.store import StoreAwayError

logger = logging.getLogger(__name__)
T = TypeVar("T")

LOOK_S: Final = 0.2
RETRY_S: Final = 2.0
REFUSED_S: Final = 60.0
RESTART_LOOK_S: Final = 1.0


class Scrub(Generic[T]):
    """Asks Redis to rewrite its files, one rewrite at a time.

    Parameters
    ----------
    run_call
        Runs blocking work.
    owed
        What the files do not follow yet, if anything; asked again and again, so what one process leaves undone another
        does.
    done
        Blocking: told what was owed before the rewrite began.
    """

    def __init__(
        self,
        client: redis.Redis,
        run_call: Callable[..., Awaitable[Any]],
        owed: Callable[[], Awaitable[T]],
        done: Callable[[T], None],
    ) -> None:
        self._client: Any = client
        self._run = run_call
        self._owed = owed
        self._done = done
        self._alone = asyncio.Lock()

    async def run(self) -> None:
        """Rewrite whenever something is owed, until cancelled."""
        while True:
            pause = LOOK_S
            try:
                owed = await self._owed()
                if owed and not await self._rewritten():
                    pause = REFUSED_S
                elif owed:
                    await self._run(self._done, owed)
            except (redis.RedisError, StoreAwayError, OSError) as error:
                logger.warning("the store's files will be rewritten later: %s", type(error).__name__)
                pause = RETRY_S
            await asyncio.sleep(pause)

    async def follow_restarts(self, key: str) -> None:
        """Have the files rewritten once for each run of the server, until cancelled; `key` holds the last such run."""
        while True:
            try:
                run: str = (await self._run(self._client.info, "server"))["run_id"]
                if await self._run(self._client.get, key) != run.encode() and await self._rewritten():
                    logger.info("the store has restarted: its files were rewritten")
                    await self._run(self._client.set, key, run)
            except (redis.RedisError, OSError) as error:
                logger.debug("the store's run is not known: %s", error)
            await asyncio.sleep(RESTART_LOOK_S)

    async def _rewritten(self) -> bool:
        async with self._alone:
            return await self._rewrite()

    async def _rewrite(self) -> bool:
        try:
            files = await self._run(self._client.info, "persistence")
            if files.get("aof_enabled"):
                await self._one(self._client.bgrewriteaof)
            if await self._run(self._client.config_get, "save") != {"save": ""} or files.get("rdb_saves", 1):
                await self._one(self._client.bgsave)
            await self._run(self._client.slowlog_reset)
        except redis.ResponseError as error:
            logger.error("the store does not rewrite its files when asked (%s): its operator must", error)
            return False
        return True

    async def _one(self, start: Callable[[], Any]) -> None:
        """Begin after any that is under way (it may hold what was erased since), and wait until it is done."""
        await self._quiet()
        while True:
            try:
                await self._run(start)
                break
            except redis.ResponseError as error:
                # Another worker's request came first: "already in progress", "another child process is active".
                if not any(word in str(error) for word in ("in progress", "already", "active")):
                    raise
                await asyncio.sleep(LOOK_S)
        await self._quiet()

    async def _quiet(self) -> None:
        """Wait while a child process of Redis writes."""
        while True:
            info = await self._run(self._client.info, "persistence")
            busy = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
            if not any(info.get(name) for name in busy):
                return
            await asyncio.sleep(LOOK_S)
