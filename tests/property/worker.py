"""A worker without Kafka, made to crash, and a store that it can't be sure of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from faust.types import TP

from recommender.reasons import DeadLetter
from streams.new_numbers import NewNumbers
from streams.rebuild import Rebuild
from streams.replay import TOPIC_OF_KIND
from streams.sentinel import difference
from streams.steps import Steps
from streams.store import StoreAwayError
from streams.user_shard import StaleOwnerError
from tests.property.logs import PARTITIONS

if TYPE_CHECKING:
    from tests.property.site import Site

TOPIC_NAMES = tuple(TOPIC_OF_KIND.values())
NAMES = {topic: topic for topic in TOPIC_NAMES}
PLACES = tuple(TP(topic, partition) for topic in TOPIC_NAMES for partition in range(PARTITIONS))


class CrashError(Exception):
    """kill -9, as far as Python code can tell."""


class Unsure:
    """A store whose write may fail before it is done, or after: then the reply is lost."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.trouble: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, *write: Any) -> bool:
        return self._try(self._store.write, *write)

    def swap(self, *write: Any) -> bool:
        return self._try(self._store.swap, *write)

    def swap_rows(self, *write: Any) -> bool:
        return self._try(self._store.swap_rows, *write)

    def _try(self, call: Callable[..., bool], *args: Any) -> bool:
        trouble, self.trouble = self.trouble, None
        if trouble == "away":
            raise StoreAwayError("nothing was written")
        done = call(*args)
        if trouble == "reply lost":
            raise StoreAwayError("it was written, or not")
        return done


class Worker:
    """One process: `Steps` over shards over the site's stores, with a token of its own."""

    def __init__(self, site: Site, number: int, token: str) -> None:
        self.site, self.number, self.token = site, number, token
        self.at: dict[TP, int] = dict.fromkeys(PLACES, 0)
        self.crash_at: str | None = None
        self._shards: dict[tuple[bool, int], Any] = {}
        self._numbering: dict[int, Iterator[Callable[[], None]]] = {}
        self._journeys: list[asyncio.Task[None]] = []
        self.steps = Steps(
            self._shard, NAMES, self, self._aliases, self._nothing, self._go_back,
            self._owns, most=site.most, reached=self._reached,
        )  # fmt: skip

    def _shard(self, kind: str, partition: int) -> Any:
        key = (kind == "items", partition)
        if key not in self._shards:
            self._shards[key] = self.site.shard(*key, self.token)
        return self._shards[key]

    def _owns(self, tp: TP) -> bool:
        return self.number in self.site.owners[(tp.topic == "items", tp.partition)]

    def _reached(self, point: str) -> None:
        if self.crash_at and point.endswith(self.crash_at):
            raise CrashError(point)

    async def dead_letters(self, letters: Iterable[DeadLetter]) -> None:
        self.site.dead.extend(letters)

    async def _aliases(self, kind: str, step: Any) -> None:
        if kind in ("profiles", "forgets"):
            self.site.forget(step.aliases)

    async def _nothing(self, *_: Any) -> None:
        pass

    async def _go_back(self, tp: TP) -> None:
        self.at.update(await self.steps.positions([tp]))

    def notices(self, of_items: bool, partition: int) -> bool:
        """Does the store hold another state than the one in hand? The sentinel looks once a second."""
        shard, store = (
            self._shard("items" if of_items else "interactions", partition),
            self.site.stores[of_items, partition],
        )
        owner = getattr(store, "owner", "")  # Redis is not asked: taken for lost
        head = store.head() if of_items else store.load(0).head
        return difference(shard, head, owner.encode() or None) is not None

    def owes_unlearning(self, partition: int) -> bool:
        """Does somebody forgotten still count?"""
        return bool(self._shard("forgets", partition).owes_unlearning)

    async def unlearn(self, partition: int, fault: str | None) -> None:
        """Fold a partition again from the log and put the new state in place of the old."""
        shard = self._shard("interactions", partition)
        if not shard.is_open:
            await self.steps.run(shard.reopen)
        rebuild = Rebuild(
            shard,
            self.site.unsure[False, partition],
            lambda aside: self.site.user_shard(partition, aside, self.token),
            self.site,
            NAMES,
        )
        for step in (rebuild.begin, rebuild.catch_up, rebuild.finish):
            if fault == step.__name__:
                raise CrashError(fault)
            if step == rebuild.finish:
                self.site.forget(rebuild.aliases)
            await self.steps.run(step)

    async def renumber(self, partition: int, fault: str | None) -> None:
        """Go one step on with other numbers for a partition's items, or begin with that."""
        shard = self._shard("interactions", partition)
        if partition not in self._numbering:
            numbers = NewNumbers(shard, self.site.unsure[False, partition])
            self._numbering[partition] = iter((numbers.begin, numbers.copy, numbers.catch_up, numbers.finish))
        step = next(self._numbering[partition])
        try:
            if fault == "crash":
                raise CrashError(step.__name__)
            await self.steps.alone(shard, step)
        except (StaleOwnerError, StoreAwayError):
            del self._numbering[partition]
            raise
        if step.__name__ == "finish":
            del self._numbering[partition]

    async def take(self, place: TP, size: int, shift: int) -> None:
        """Fetch and apply; what the steps asked for (to go back) is done when this returns."""
        begin = max(0, self.at[place] - shift)
        batch = self.site.fetch(place, begin, size)
        self.at[place] = batch.next
        await self.steps.take(batch)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            await task
