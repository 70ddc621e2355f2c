"""A deployment without Kafka: a log, stores that outlive their workers, workers that crash, join, leave, come too late.

Everything that decides about exactness is the system's own code (`Steps`, the shards, the stores); what is made up here
is the consumer: who fetches which records when.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from faust.types import TP

from recommender.event_types import EventTypes
from recommender.events import Forget, encode
from recommender.head import decode_user_head
from recommender.partitioning import partition_of
from recommender.reasons import DeadLetter
from streams.batch import Batch
from streams.digest import digest
from streams.intake import LogRecord
from streams.item_shard import ItemShard
from streams.memory_store import MemoryItemStore, MemoryUserStore
from streams.replay import TOPIC_OF_KIND
from streams.store import StoreAwayError
from streams.user_shard import StaleOwnerError, UserShard
from tests.property.logs import NOW, PARTITIONS, Line, by_place
from tests.property.played import Outcome, names_of
from tests.property.story import Event, Move, Renumber, Restart, Sizes, Take, Unlearn
from tests.property.worker import PLACES, CrashError, Unsure, Worker

TYPES = EventTypes()
FORGET_KEY = b"not of a deployment"


def offset_of(place: int) -> int:
    """Offsets have gaps, as aborted transactions leave them."""
    return place + place // 3


PLACE_OF = {offset_of(place): place for place in range(1_000)}


class Site:
    """A log, its stores, and who works on them."""

    def __init__(
        self,
        lines: Iterable[Line],
        workers: int = 1,
        sizes: Sizes | None = None,
        most: int = 4,
        stores: Any = None,
        clock: Callable[[], int] = lambda: NOW,
    ) -> None:
        self.sizes, self.most, self.clock = sizes or Sizes(), most, clock
        places = by_place(lines)
        self.log: dict[TP, list[LogRecord]] = {
            TP(topic, partition): [
                LogRecord(offset_of(k), line.identity.encode() or None, line.value)
                for k, line in enumerate(places.get((kind, partition), ()))
            ]
            for kind, topic in TOPIC_OF_KIND.items()
            for partition in range(PARTITIONS)
        }
        make = stores or (lambda of_items, _: MemoryItemStore() if of_items else MemoryUserStore())
        self.stores: dict[tuple[bool, int], Any] = {
            (of_items, p): make(of_items, p) for of_items in (False, True) for p in range(PARTITIONS)
        }
        self.unsure = {key: Unsure(store) for key, store in self.stores.items()}
        self.dead: list[DeadLetter] = []  # as sent: a repeat is one more
        self.owners: dict[tuple[bool, int], set[int]] = {key: {0} for key in self.stores}
        self._kept: dict[tuple[bool, int], dict[str, Any]] = {}
        self._born = 0
        self.workers = [self._hire(number) for number in range(workers)]

    def _contents(self) -> dict[tuple[bool, int], dict[str, Any]]:
        return {key: vars(store) for key, store in self.stores.items()}

    def _hire(self, number: int) -> Worker:
        self._born += 1
        return Worker(self, number, f"token {self._born}")

    def shard(self, of_items: bool, partition: int, token: str) -> Any:
        """A worker's shard over the store of a partition."""
        store: Any = self.unsure[of_items, partition]
        if of_items:
            return ItemShard(partition, PARTITIONS, store, token, self.clock)
        return self.user_shard(partition, store, token)

    def user_shard(self, partition: int, store: Any, token: str) -> UserShard:
        """A shard of users with this site's sizes."""
        sizes = self.sizes
        return UserShard(
            partition, PARTITIONS, store, TYPES, token, FORGET_KEY, sizes.dedupe, sizes.in_hand, sizes.caps
        )

    def forget(self, aliases: Iterable[Forget]) -> None:
        """Who was the same person is to be forgotten too: at the end of the log."""
        for alias in aliases:
            place = TP("forgets", partition_of(alias.user_id, PARTITIONS))
            self.log[place].append(LogRecord(self.end(place), alias.user_id.encode(), encode(alias)))

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """All of the log is held."""
        return 0, self.end(TP(topic, partition))

    def read(self, topic: str, partition: int, begin: int, end: int) -> Iterator[Batch]:
        """The log as a `LogSource` gives it, to be folded again."""
        while begin < end:
            batch = self.fetch(TP(topic, partition), begin, 7)
            records = [record for record in batch.records if record.offset < end]
            begin, at = min(batch.next, end), begin
            yield Batch(topic, partition, at, begin, records)

    def end(self, place: TP) -> int:
        """The next offset of the log."""
        return offset_of(len(self.log[place]))

    def fetch(self, place: TP, begin: int, size: int) -> Batch:
        """Up to `size` records from an offset on."""
        rest = [record for record in self.log[place] if record.offset >= begin]
        part = rest[:size]
        following = part[-1].offset + 1 if len(part) < len(rest) else max(begin, self.end(place))
        return Batch(place.topic, place.partition, begin, following, part)

    async def happens(self, event: Event) -> None:
        """One event of a story."""
        if isinstance(event, Take):
            await self._take(event)
        elif isinstance(event, Unlearn):
            await self._made_anew(event, self.workers[event.worker].unlearn)
        elif isinstance(event, Renumber):
            await self._made_anew(event, self.workers[event.worker].renumber)
        elif isinstance(event, Restart):
            self._fire(event.worker)
        elif isinstance(event, Move):
            owners = self.owners[event.of_items, event.partition]
            if event.told:
                owners.clear()
            owners.add(event.worker)
            await self._assign(self.workers[event.worker], event.of_items, event.partition)
        elif event.what == "keep":
            self._kept = copy.deepcopy(self._contents())
        else:
            kept = copy.deepcopy(self._kept) if event.what == "lose" else {}
            for key, store in self.stores.items():
                vars(store).update(kept.get(key) or vars(type(store)()))

    async def _take(self, take: Take) -> None:
        worker = self.workers[take.worker]
        unsure = self.unsure[take.place.topic == "items", take.place.partition]
        if take.fault in ("away", "reply lost"):
            unsure.trouble = take.fault
        else:
            worker.crash_at = take.fault
        try:
            await worker.take(take.place, take.size, take.shift)
        except CrashError:
            self._fire(take.worker)
        worker.crash_at = unsure.trouble = None

    async def _made_anew(self, event: Unlearn | Renumber, make: Callable[[int, str | None], Awaitable[None]]) -> None:
        self.unsure[False, event.partition].trouble = event.fault
        try:
            await make(event.partition, event.fault)
        except CrashError:
            self._fire(event.worker)
        except (StaleOwnerError, StoreAwayError):
            pass  # the next owner will, or the same one later
        self.unsure[False, event.partition].trouble = None

    def _fire(self, number: int) -> None:
        self.workers[number].steps.close()
        self.workers[number] = self._hire(number)

    async def _assign(self, worker: Worker, of_items: bool, partition: int) -> None:
        tps = [tp for tp in PLACES if tp.partition == partition and (tp.topic == "items") == of_items]
        worker.at.update(await worker.steps.positions(tps))

    async def settle(self) -> None:
        """Each partition has one owner, who reads its log to the end and folds it again where that is owed."""
        for (of_items, partition), owners in self.owners.items():
            number = min(owners)
            self.owners[of_items, partition] = {number}
            worker = self.workers[number]
            if worker.notices(of_items, partition):
                await self._assign(worker, of_items, partition)
        while await self._go_on():
            pass

    async def _go_on(self) -> bool:
        """Whether there was anything to do: forgets may lead to forgets."""
        moved = False
        for tp in PLACES:
            worker = self.workers[min(self.owners[tp.topic == "items", tp.partition])]
            while worker.at[tp] < self.end(tp):
                await worker.take(tp, 1_000, 0)
                moved = True
        for partition in range(PARTITIONS):
            worker = self.workers[min(self.owners[False, partition])]
            if worker.owes_unlearning(partition):
                await worker.unlearn(partition, None)
                moved = True
        return moved

    def close(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.steps.close()

    def outcome(self) -> Outcome:
        """What the stores hold, and what was set aside."""
        users = [self.stores[False, p] for p in range(PARTITIONS)]
        items = [self.stores[True, p] for p in range(PARTITIONS)]
        heads = [decode_user_head(store.load(0).head) for store in users]
        counts = {
            "applied": sum(head.applied for head in heads),
            "duplicates": sum(head.duplicates for head in heads),
            "dead_letters": sum(head.dead_letters for head in heads),
        }
        # Without the gaps, as a log file would number them.
        dead = frozenset((topic, p, PLACE_OF[offset], index) for topic, p, offset, index in names_of(self.dead))
        return Outcome(digest(users, items, TYPES.names), counts, dead)


async def told(site: Site, story: Iterable[Event]) -> None:
    """The story happens; then everything comes to rest."""
    try:
        for event in story:
            await site.happens(event)
        await site.settle()
    finally:
        site.close()
