"""What the agents do with a batch: fold, publish what was set aside, write, or go back.

Infrastructure that is away is waited for. A batch that does not begin where the state ends is
not applied: what lies before is there already, and a gap sends the consumer back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from faust.types import TP

from recommender.head import ItemHead, UserHead
from recommender.reasons import DeadLetter
from streams.batch import Batch
from streams.log_check import COMPACTED, Bounds, Claim
from streams.store import StoreAwayError
from streams.user_shard import StaleOwnerError

logger = logging.getLogger(__name__)
T = TypeVar("T")

USER_KINDS = ("interactions", "profiles", "forgets")
"""Kinds whose partitions of one number have one state."""
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0


class Shard(Protocol):
    """A partition's state as the steps use it."""

    partition: int
    is_open: bool
    behind: set[str]

    @property
    def guard(self) -> tuple[bytes | None, bytes]: ...
    @property
    def head(self) -> UserHead | ItemHead: ...
    def reopen(self) -> None: ...
    def next_offset(self, topic: str) -> int: ...
    def fold(self, kind: str, batch: Batch) -> Any: ...
    def commit(self, step: Any) -> None: ...


class DeadLetters(Protocol):
    """Where dead letters go."""

    async def dead_letters(self, letters: Sequence[DeadLetter]) -> None: ...


class Steps:
    """The path of a batch through one process.

    Parameters
    ----------
    shard
        Gives the shard of (kind, partition); kinds are the topics' names without prefix.
    kinds
        Kind by full topic name.
    dead_letters
        Takes what was set aside; must return only when it is safe.
    before_commit, after_commit
        Called with (kind, step) to publish examples, with (kind, shard, step) to renew views.
    rewind
        Sends the consumer back to where the state of a partition ends.
    owns
        Whether this process holds a partition now.
    most
        Records in one atomic write.
    verify
        Compares what the state says of its logs with the logs; gives where each begins, by partition.
    reached
        Told each moment by name, "interactions.commit.after": a test may end the process there.
    """

    def __init__(
        self,
        shard: Callable[[str, int], Shard],
        kinds: dict[str, str],
        dead_letters: DeadLetters,
        before_commit: Callable[[str, Any], Awaitable[None]],
        after_commit: Callable[[str, Any, Any], Awaitable[None]],
        rewind: Callable[[TP], Coroutine[Any, Any, None]],
        owns: Callable[[TP], bool],
        most: int = 1_000,
        verify: Callable[[dict[TP, Claim]], Awaitable[dict[TP, Bounds]]] | None = None,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._shard = shard
        self._kinds = kinds
        self._dead_letters = dead_letters
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._rewind = rewind
        self._owns = owns
        self._most = most
        self._verify = verify
        self._reached = reached
        self.waiting = 0
        """So many batches wait for a store that is away or full."""
        self._locks: dict[int, asyncio.Lock] = {}
        self._returning: set[TP] = set()
        self._journeys: set[asyncio.Task[None]] = set()
        # One thread: the fold holds the interpreter anyway, and a partition has one writer.
        self._thread = ThreadPoolExecutor(1, "fold")
        # A commit mostly waits for the store: meanwhile another partition's batch is folded.
        self._commits = ThreadPoolExecutor(1, "commit")
        self._beside = ThreadPoolExecutor(1, "views")

    async def take(self, batch: Batch) -> None:
        """Apply a batch; returns when it is written, or when it is clear that it must not be."""
        kind, tp = self._kinds[batch.topic], TP(batch.topic, batch.partition)
        shard = self._shard(kind, batch.partition)
        async with self._lock(shard):
            await self._patiently(lambda: self._apply(kind, tp, shard, batch))

    async def alone(self, shard: Shard, call: Callable[[], None]) -> None:
        """Run blocking work on a shard while no batch is on its way through it; it is open meanwhile."""
        async with self._lock(shard):
            if not shard.is_open:
                await self._patiently(partial(self.run, shard.reopen))
            await self.run(call)

    async def positions(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where the state of each partition ends, read afresh from the store with a new claim, its log compared."""
        found: dict[TP, int] = {}
        claims: dict[TP, Claim] = {}
        for tp in tps:
            kind = self._kinds[tp.topic]
            shard = self._shard(kind, tp.partition)
            async with self._lock(shard):
                await self._patiently(partial(self.run, shard.reopen))
                found[tp] = shard.next_offset(kind)
                shard.behind.discard(kind)
                claims[tp] = Claim(found[tp], shard.head.marks.get(kind), kind in COMPACTED)
        if self._verify is not None:
            for tp, bounds in (await self._verify(claims)).items():
                if bounds.missing(claims[tp]):
                    await self._skip(tp, bounds.begin)
                    found[tp] = bounds.begin
        self._returning.difference_update(found)
        return found

    def quiet(self, shard: Shard) -> asyncio.Lock | None:
        """What keeps a shard still while it is held; None where the shard is at work."""
        lock = self._lock(shard)
        return None if lock.locked() else lock

    async def _skip(self, tp: TP, begin: int) -> None:
        """Go on at `begin`: what lay before is held no more."""
        kind = self._kinds[tp.topic]
        shard = self._shard(kind, tp.partition)

        async def skip() -> None:
            if not shard.is_open:
                await self.run(shard.reopen)
            position = shard.next_offset(kind)
            if position < begin:
                gap = Batch(tp.topic, tp.partition, position, begin, ())
                with suppress(StaleOwnerError):  # then the next owner does it
                    await self.run(shard.commit, await self.run(shard.fold, kind, gap))

        async with self._lock(shard):
            await self._patiently(skip)

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        """Run blocking work in the fold's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _told, call, *args)

    async def beside(self, call: Callable[..., T], *args: Any) -> T:
        """Run blocking work on views in a thread of its own: other partitions' batches do not wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._beside, _told, call, *args)

    async def _write(self, call: Callable[..., T], *args: Any) -> T:
        """Run a commit in the thread of commits."""
        return await asyncio.get_running_loop().run_in_executor(self._commits, _told, call, *args)

    def close(self) -> None:
        """End the threads when their work is done."""
        self._thread.shutdown(wait=True)
        self._commits.shutdown(wait=True)
        self._beside.shutdown(wait=True)

    async def _apply(self, kind: str, tp: TP, shard: Shard, batch: Batch) -> None:
        if not shard.is_open:
            await self.run(shard.reopen)
        position = shard.next_offset(kind)
        # A store that lost something has this batch's topic where it belongs, maybe, but not the others.
        if batch.begin > position or shard.behind:
            await self._go_back(tp, batch.begin, position)
            return
        self._returning.discard(tp)
        for part in batch.after(position, self._most):
            self._reached(f"{kind}.fold.before")
            step = await self.run(shard.fold, kind, part)
            self._reached(f"{kind}.fold.after")
            if step.dead:
                self._reached(f"{kind}.dead.before")
                await self._dead_letters.dead_letters(step.dead)
                self._reached(f"{kind}.dead.after")
            self._reached(f"{kind}.examples.before")
            await self._before_commit(kind, step)
            self._reached(f"{kind}.examples.after")
            try:
                self._reached(f"{kind}.commit.before")
                await self._write(shard.commit, step)
                self._reached(f"{kind}.commit.after")
            except StaleOwnerError as error:
                logger.warning("write refused (%s)", error)
                if self._owns(tp):
                    await self._go_back(tp, part.begin, position)
                return
            await self._after_commit(kind, shard, step)
            self._reached(f"{kind}.views.after")

    async def _go_back(self, tp: TP, begin: int, position: int) -> None:
        """Send the consumer back once; batches fetched before it arrives there are dropped."""
        if tp in self._returning:
            return
        self._returning.add(tp)
        logger.info("%s[%d]: a batch begins at %d, the state ends at %d; going back", *tp, begin, position)
        journey = asyncio.create_task(self._travel(tp))
        self._journeys.add(journey)
        journey.add_done_callback(self._journeys.discard)

    def _together(self, tp: TP) -> list[TP]:
        """What shares its state: when a store lost it, all of them have to be read again."""
        kind = self._kinds[tp.topic]
        kinds = USER_KINDS if kind in USER_KINDS else (kind,)
        return [TP(topic, tp.partition) for topic, other in self._kinds.items() if other in kinds]

    async def _travel(self, tp: TP) -> None:
        try:
            for each in self._together(tp):
                await self._rewind(each)
        except Exception as error:
            logger.warning("%s[%d]: going back failed (%s: %s)", *tp, type(error).__name__, error)
        finally:
            self._returning.discard(tp)  # a journey that failed begins again with the next batch

    async def _patiently(self, call: Callable[[], Awaitable[Any]]) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                await call()
                return
            except StoreAwayError as error:
                logger.warning("the store is away (%s); trying again in %.1f s", error, pause)
                self.waiting += 1
                try:
                    await asyncio.sleep(pause)
                finally:
                    self.waiting -= 1
                pause = min(2 * pause, LONGEST_PAUSE_S)

    def _lock(self, shard: Shard) -> asyncio.Lock:
        return self._locks.setdefault(id(shard), asyncio.Lock())


def _told(call: Callable[..., T], *args: Any) -> T:
    """Call; asyncio can't hand a StopIteration over, and whoever waits for the outcome would wait for ever."""
    try:
        return call(*args)
    except StopIteration as error:
        raise RuntimeError("an iterator ended too early") from error
