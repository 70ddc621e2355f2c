"""What makes a partition's state anew beside the one that serves, one at a time.

After a forget: which partitions still count events of somebody forgotten, and their rebuild. What is owed stands in
each partition's head (`unlearned` behind the position in `forgets`), so it survives every crash: the next owner of the
partition begins again. And where many items have left, those which stay are numbered anew (`new_numbers`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import msgspec

from recommender.events import Forget
from streams.log_source import LogAwayError, LogGapError, LogSource
from streams.new_numbers import NewNumbers
from streams.rebuild import Progress, Rebuild, told_once
from streams.store import StoreAwayError
from streams.user_shard import StaleOwnerError, UserShard

logger = logging.getLogger(__name__)

LOOK_S = 0.5
RETRY_S = 5.0
FEW = 1_000
CATCH_UPS = 10
"""Changed rows are copied so often at most, until they are few: then the live state stands still for the rest."""
REST_S = 30.0
"""After numbers could not be given anew: that can wait, and what a store that is full has no room for fills it."""
TELL_S = 0.5


class Unlearning(msgspec.Struct, frozen=True):
    """How far a partition's rebuild has come, as readers see it; `gap` says why there can be none."""

    upto: int
    done: int = 0
    total: int = 0
    gap: str = ""


class Unlearner:
    """Rebuilds the partitions that owe it, and gives numbers anew where too many were given.

    Parameters
    ----------
    owned
        The shards that this process owns now.
    rebuild
        Makes the rebuild of a shard from an open log.
    renumber
        Makes the copy of a shard under new numbers.
    open_log
        Opens the log.
    alone
        Runs a call while nobody else uses the shard.
    tell
        Stores how far a partition has come.
    forget
        Publishes forgets of ids that were the same person.
    """

    def __init__(
        self,
        owned: Callable[[], Iterable[UserShard]],
        rebuild: Callable[[UserShard, LogSource], Rebuild],
        renumber: Callable[[UserShard], NewNumbers],
        open_log: Callable[[], Any],
        alone: Callable[[UserShard, Callable[[], None]], Awaitable[None]],
        tell: Callable[[int, Unlearning], None],
        forget: Callable[[Sequence[Forget]], Awaitable[None]],
    ) -> None:
        self._owned = owned
        self._rebuild = rebuild
        self._renumber = renumber
        self._open_log = open_log
        self._alone = alone
        self._tell = tell
        self._forget = forget
        # Where the log does not reach back, asking again is of no use until somebody else is forgotten.
        self._out_of_reach: dict[int, int] = {}
        self._ordered: set[int] = set()
        self._rests_until = 0.0
        self._thread = ThreadPoolExecutor(1, "rebuild")

    async def run(self) -> None:
        """Pay what is owed, until cancelled."""
        try:
            while True:
                pause = await self._next(list(self._owned()))
                await asyncio.sleep(pause)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def order(self, partitions: Iterable[int]) -> None:
        """Rebuild these partitions, whatever they owe."""
        self._ordered.update(partitions)
        self._out_of_reach.clear()

    async def _next(self, owned: Sequence[UserShard]) -> float:
        """Do what is due first, if anything; so many seconds to rest. A rebuild gives new numbers too."""
        for shard in filter(self._is_due, owned):
            return await self._attempt(shard)
        if time.monotonic() >= self._rests_until:
            for shard in owned:
                if shard.owes_numbers:
                    await self._give_numbers(shard)
                    return 0.0
        return LOOK_S

    def _is_due(self, shard: UserShard) -> bool:
        if shard.partition in self._ordered:
            return True
        return shard.owes_unlearning and self._out_of_reach.get(shard.partition) != shard.next_offset("forgets")

    async def _attempt(self, shard: UserShard) -> float:
        upto = shard.next_offset("forgets")
        try:
            await self._whole(shard)
        except LogGapError as error:
            logger.error("partition %d: the events of forgotten users stay in the counts: %s", shard.partition, error)
            self._out_of_reach[shard.partition] = upto
            self._ordered.discard(shard.partition)
            await self._in_thread(self._tell, shard.partition, Unlearning(upto, gap=str(error)))
        except (LogAwayError, StoreAwayError) as error:
            logger.warning("partition %d: the rebuild waits: %s", shard.partition, error)
            return RETRY_S
        except StaleOwnerError:
            logger.info("partition %d: its next owner will rebuild it", shard.partition)
            return RETRY_S
        return 0.0

    async def _whole(self, shard: UserShard) -> None:
        began = time.monotonic()
        log = await self._in_thread(self._open_log)
        try:
            rebuild = self._rebuild(shard, log)
            await self._in_thread(rebuild.begin)
            await self._in_thread(rebuild.catch_up, self._teller(shard))
            # What came meanwhile is little; then the live state stands still for the last few records.
            await self._in_thread(rebuild.catch_up)
            await self._forget(told_once(rebuild.aliases))
            await self._alone(shard, rebuild.finish)
        except StoreAwayError:
            # It may be full, and what lies aside may be what fills it: the live state goes first.
            with suppress(StoreAwayError):
                await self._in_thread(rebuild.store.clear)
            raise
        finally:
            await self._in_thread(log.close)
        self._ordered.discard(shard.partition)
        logger.info("partition %d was rebuilt in %.1f s", shard.partition, time.monotonic() - began)

    async def _give_numbers(self, shard: UserShard) -> None:
        began = time.monotonic()
        numbers = self._renumber(shard)
        try:
            await self._alone(shard, numbers.begin)
            await self._in_thread(numbers.copy)
            for _ in range(CATCH_UPS):
                await self._in_thread(numbers.catch_up)
                if numbers.behind < FEW:
                    break
            stood = time.monotonic()
            await self._alone(shard, numbers.finish)
        except (StaleOwnerError, StoreAwayError) as error:
            logger.warning("partition %d: its items will be numbered anew later: %s", shard.partition, error)
            self._rests_until = time.monotonic() + REST_S
            if isinstance(error, StoreAwayError):  # it may be full, see above
                with suppress(StoreAwayError):
                    await self._in_thread(numbers.clear)
        else:
            took, still = time.monotonic() - began, time.monotonic() - stood
            count = len(shard.state.dictionary)
            logger.info("partition %d has %d item numbers now (%.1f s, %.2f s)", shard.partition, count, took, still)
        finally:
            numbers.abandon()

    def _teller(self, shard: UserShard) -> Callable[[Progress], None]:
        last = 0.0

        def told(progress: Progress) -> None:
            nonlocal last
            if time.monotonic() - last > TELL_S:
                last = time.monotonic()
                upto = shard.next_offset("forgets")
                self._tell(shard.partition, Unlearning(upto, progress.done, progress.total))

        return told

    async def _in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)
