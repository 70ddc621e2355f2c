"""One partition of `items`: the live items, the later offset winning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from recommender.events import Item, encode
from recommender.head import ItemHead, decode_item_head, went_back
from recommender.reasons import DeadLetter
from streams import intake
from streams.batch import Batch
from streams.store import ItemStore, ItemWrite
from streams.user_shard import StaleOwnerError, mark_of


@dataclass(slots=True)
class ItemStep:
    """A folded batch that is not yet written."""

    head: ItemHead
    write: ItemWrite
    dead: list[DeadLetter] = field(default_factory=list)


class ItemShard:
    """State and position of one partition of `items`; `clock` gives the wall time in ms."""

    def __init__(self, partition: int, partitions: int, store: ItemStore, token: str, clock: Callable[[], int]) -> None:
        self.partition = partition
        self._partitions = partitions
        self._store = store
        self._token = token
        self._clock = clock
        self._head_bytes: bytes | None = None
        self.head = ItemHead()
        self.is_open = False
        self.behind: set[str] = set()
        """See `UserShard.behind`."""

    def reopen(self) -> None:
        """Claim the partition and read its position."""
        self.is_open = False
        self._store.claim(self._token)
        self._head_bytes = self._store.head()
        head = decode_item_head(self._head_bytes)
        self.behind |= went_back(self.head, head)
        self.head = head
        self.is_open = True

    @property
    def guard(self) -> tuple[bytes | None, bytes]:
        """Head and owner that the store must hold for the next write to be taken."""
        return self._head_bytes, self._token.encode()

    def next_offset(self, topic: str) -> int:
        """The next offset that the state does not include yet."""
        return self.head.next.get(topic, 0)

    def fold(self, kind: str, batch: Batch) -> ItemStep:
        """What a batch of `items` changes; records before the position are left out."""
        self.is_open = False
        position = self.next_offset(kind)
        records = [record for record in batch.records if record.offset >= position]
        checked = intake.items(intake.Source(batch.topic, self.partition, self._partitions), records)
        changed: dict[str, bytes | None] = {}
        for event in checked.events:
            if isinstance(event, Item):
                changed[event.item_id] = encode(event)
            else:
                changed[event.identity] = None
        head = ItemHead(
            next={**self.head.next, kind: max(batch.next, position)},
            applied=self.head.applied + len(checked.events),
            dead_letters=self.head.dead_letters + len(checked.dead),
            marks={kind: mark_of(records[-1])} if records else self.head.marks,
        )
        return ItemStep(head, ItemWrite(msgspec.json.encode(head), changed, self._clock()), checked.dead)

    def commit(self, step: ItemStep) -> None:
        """Write the step whole; raises `StaleOwnerError` if the guard refuses."""
        if not self._store.write(self._token, self._head_bytes, step.write):
            raise StaleOwnerError(f"items partition {self.partition} at {self.head.next}")
        self.head, self._head_bytes = step.head, step.write.head
        self.is_open = True
