"""A log played straight into the state: the worker's own code over stores in memory.

>>> import json
>>> click = {"user_id": "u1", "item_id": "i9", "type": "click", "timestamp": 1}
>>> engine = DirectReplay()
>>> engine.feed("interaction", "u1", json.dumps(click).encode())
>>> engine.counts()["applied"]
1
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from online_models.caps import Caps
from recommender.event_types import EventTypes
from recommender.events import Forget, encode
from recommender.partitioning import partition_of
from recommender.reasons import DeadLetter
from recommender.topics import Topics
from streams.batch import Batch
from streams.digest import digest
from streams.intake import LogRecord
from streams.item_shard import ItemShard
from streams.memory_log import MemoryLog
from streams.memory_store import MemoryItemStore, MemoryUserStore
from streams.new_numbers import renumber
from streams.rebuild import KINDS, Rebuild
from streams.shown import ShownInMemory
from streams.store import UserStore
from streams.user_shard import UserShard

TOPIC_OF_KIND: Final = {
    "interaction": "interactions",
    "item": "items",
    "profile": "profiles",
    "forget": "forgets",
}
_OWNER: Final = "replay"
_FORGET_KEY: Final = b"nothing of this is ever stored"


class DirectReplay:
    """All partitions of a deployment in this process, fed line by line.

    A forget takes back what was fed before it by folding the partition again, so what is fed is kept. Who knows that
    there is no forget in the log may give `keep_log=False`; a forget is then a `LogGapError`.
    """

    def __init__(
        self,
        topics: Topics | None = None,
        types: EventTypes | None = None,
        dedupe: int = 100_000,
        batch: int = 500,
        keep_log: bool = True,
        caps: Caps | None = None,
    ) -> None:
        self.topics = topics or Topics()
        self.types = types or EventTypes()
        self._batch = batch
        self._user_stores: list[UserStore] = [MemoryUserStore() for _ in range(self.topics.partitions)]
        self._item_stores = [MemoryItemStore() for _ in range(self.topics.item_partitions)]
        self._dedupe = dedupe
        self._caps = caps
        self._log = MemoryLog()
        self._keep_log = keep_log
        self.users = [self._user_shard(p, store) for p, store in enumerate(self._user_stores)]
        self.items = [
            ItemShard(p, self.topics.item_partitions, store, _OWNER, clock=int)
            for p, store in enumerate(self._item_stores)
        ]
        for users in self.users:
            users.reopen()
        for items in self.items:
            items.reopen()
        self._waiting: dict[tuple[str, int], list[LogRecord]] = {}
        self._ends: Counter[tuple[str, int]] = Counter()
        self.dead: list[DeadLetter] = []
        self.shown = ShownInMemory()

    def feed(self, kind: str, identity: str, value: bytes | None) -> None:
        """Add one event; `identity` is its user_id or item_id, which decides the partition."""
        topic = TOPIC_OF_KIND[kind]
        place = (topic, partition_of(identity, self.topics.count(topic)))
        offset = self._ends[place]
        self._ends[place] += 1
        waiting = self._waiting.setdefault(place, [])
        waiting.append(LogRecord(offset, identity.encode("utf-8", "replace") or None, value))
        if len(waiting) >= self._batch:
            self._drain(place)

    def take(self, batch: Batch) -> None:
        """Fold a partition's records with the offsets that they have; its topic is named without prefix."""
        self._ends[batch.topic, batch.partition] = batch.next
        self._fold(batch)

    def flush(self) -> None:
        """Fold what was fed so far."""
        owing = [shard for shard in self.users if shard.owes_unlearning]
        while self._waiting or owing:
            for place in list(self._waiting):
                self._drain(place)
            owing = [shard for shard in self.users if shard.owes_unlearning]
            for shard in owing:
                self._unlearn(shard)

    def counts(self) -> dict[str, int]:
        """Interactions applied, repeated and set aside so far."""
        self.flush()
        heads = [shard.head for shard in self.users]
        return {
            "applied": sum(head.applied for head in heads),
            "duplicates": sum(head.duplicates for head in heads),
            "dead_letters": sum(head.dead_letters for head in heads),
        }

    def position(self) -> dict[str, list[int]]:
        """The next offset of each partition of interactions."""
        self.flush()
        return {"interactions": [shard.next_offset("interactions") for shard in self.users]}

    def digest(self) -> str:
        """The digest of the state, as a running system's."""
        self.flush()
        return digest(self._user_stores, self._item_stores, self.types.names)

    def live_items(self) -> dict[str, bytes]:
        """Every live item's JSON by id."""
        self.flush()
        return {item_id: data for store in self._item_stores for item_id, data in store.all_items()}

    def profile(self, user_id: str) -> bytes | None:
        """A user's profile, as JSON."""
        self.flush()
        return self._user_stores[partition_of(user_id, self.topics.partitions)].profiles([user_id])[0]

    def _user_shard(self, partition: int, store: UserStore) -> UserShard:
        return UserShard(
            partition,
            self.topics.partitions,
            store,
            self.types,
            _OWNER,
            _FORGET_KEY,
            self._dedupe,
            caps=self._caps,
        )

    def _unlearn(self, shard: UserShard) -> None:
        names = {kind: kind for kind in KINDS}
        store = self._user_stores[shard.partition]
        rebuild = Rebuild(shard, store, lambda aside: self._user_shard(shard.partition, aside), self._log, names)
        rebuild.begin()
        rebuild.catch_up()
        rebuild.shard.mark_made_anew()
        self.users[shard.partition], self._user_stores[shard.partition] = rebuild.shard, rebuild.store
        self._forget(rebuild.aliases)

    def _forget(self, aliases: Sequence[Forget]) -> None:
        for alias in aliases:
            if self.users[partition_of(alias.user_id, self.topics.partitions)].is_news(alias):
                self.feed("forget", alias.user_id, encode(alias))

    def _drain(self, place: tuple[str, int]) -> None:
        topic, partition = place
        records = self._waiting.pop(place, [])
        if not records:
            return
        self._fold(Batch(topic, partition, records[0].offset, records[-1].offset + 1, records))

    def _fold(self, batch: Batch) -> None:
        topic, partition = batch.topic, batch.partition
        if topic == "items":
            item_shard = self.items[partition]
            item_step = item_shard.fold(topic, batch)
            item_shard.commit(item_step)
            self.dead.extend(item_step.dead)
        else:
            if self._keep_log:
                self._log.add(batch)
            shard = self.users[partition]
            step = shard.fold(topic, batch)
            shard.commit(step)
            self.dead.extend(step.dead)
            self.shown.note(step.learned, step.write.forgotten)
            self._forget(step.aliases)
            if shard.owes_numbers:
                renumber(shard, self._user_stores[partition])
