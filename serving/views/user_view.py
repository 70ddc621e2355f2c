"""One partition of users as a reader follows it: names and counts of items, position, who changed lately.

Local item numbers belong to one epoch of the partition's state. Whatever is read with them is only used if the head
that came with it is of the epoch whose names are at hand; else the partition is loaded again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from online_models.event_clock import EventClock
from recommender.counts import ItemCounts
from recommender.event_types import EventTypes
from recommender.head import UserHead, decode_user_head
from recommender.keys import UserKeys
from recommender.numbering import Array, Numbering
from recommender.query import Unavailable
from serving.views.row_cache import RowCache
from serving.views.stream_ids import PAGE, START, TRIES, ChangedMeanwhileError, Gap, since
from serving.views.together import Page

SLICE: Final = 5_000
RECENT: Final = 1_000
LOST: Final = "the store lost its newest part; it is being learned again from the log"


class Renewed(Exception):
    """What was read is not of the names at hand: `view` must follow first."""

    def __init__(self, view: UserView) -> None:
        super().__init__()
        self.view = view


@dataclass(frozen=True, slots=True)
class Begun:
    """When a question began to read: the generation of the names at hand, and by topic the furthest offset seen."""

    generation: int
    seen: Mapping[str, int]


class UserView:
    """Follows one partition; `counts` and `rows` are shared by all partitions.

    Attributes
    ----------
    position
        Next offset of `interactions` that the view includes.
    highest
        By topic, the furthest offset that an answer may have included: below that, the store lost something (an event,
        a profile, a forget) and is catching up.
    generation
        How often the view was loaded: names and numbers of one generation go together.
    """

    def __init__(
        self,
        partition: int,
        keys: UserKeys,
        types: EventTypes,
        numbering: Numbering,
        counts: ItemCounts,
        rows: RowCache,
    ) -> None:
        self.partition = partition
        self.keys = keys
        self.last = START
        self.loaded = False
        self.highest: dict[str, int] = {}
        self.generation = 0
        self.head = UserHead()
        self.users = 0
        self._types = types
        self._numbering = numbering
        self._counts = counts
        self._rows = rows
        self._recent: OrderedDict[str, None] = OrderedDict()
        # A question sees more than the view at times; whoever begins afterwards must see no less.
        self._seen: Mapping[str, int] = {}
        self.following = asyncio.Lock()
        self._told: tuple[bytes | None, UserHead] = None, UserHead()

    @property
    def position(self) -> int:
        """Next offset of `interactions` that the view includes."""
        return self.head.next.get("interactions", 0)

    @property
    def numbers(self) -> Array:
        """Item numbers by local index."""
        counts = self._counts.partitions[self.partition]
        return counts.numbers[: counts.size]

    @property
    def behind(self) -> bool:
        """Did the store lose something that answers included already?"""
        return not _reaches(self.head, self.highest)

    def recent(self) -> list[str]:
        """Users with the latest changes, newest first."""
        return list(reversed(self._recent))

    def begin(self) -> Begun:
        """What a question that reads from now on must find again."""
        return Begun(self.generation, self._seen)

    def admit(self, data: bytes | None, begun: Begun) -> None:
        """Check the head that came with what a question read.

        Raises
        ------
        Unavailable
            If the store lost something that answers included already.
        Renewed
            If it has other local numbers than the names at hand.
        """
        head = self._decoded(data)
        if not _reaches(head, begun.seen):
            raise Unavailable(LOST)
        if begun.generation != self.generation or head.epoch != self.head.epoch:
            raise Renewed(self)
        self._saw(head)

    def learn_names(self, begin: int, names: Sequence[bytes]) -> None:
        """Names of items from local index `begin` on; those known already are passed over."""
        have = self._counts.partitions[self.partition].size
        if not names or begin > have:
            return
        fresh = [name.decode() for name in names[have - begin :]]
        if fresh:
            self._counts.extend(self.partition, fresh, self._numbering)
            self._rows.met(self.partition, self.numbers[have:].tolist())

    def page(self) -> Page:
        """One page of changes; True if there may be more. What it put into the counts is to be settled."""

        def ask_changes(pipe: Any) -> None:
            pipe.get(self.keys.head)
            pipe.xrange(self.keys.changes, min=self.last.decode(), max="+", count=PAGE)
            pipe.hlen(self.keys.users)

        data, entries, self.users = yield ask_changes
        head = decode_user_head(data)
        if not _continues(head, self.head):
            raise Gap
        fresh = since(self.last, entries)
        if not fresh:
            self._arrive(head)
            return False
        places, rows = sorted(_indexes(fresh, b"stats")), _indexes(fresh, b"rows")
        have = self._counts.partitions[self.partition].size

        def ask_rows(pipe: Any) -> None:
            pipe.get(self.keys.head)
            pipe.lrange(self.keys.names, have, -1)
            for begin in range(0, len(places), SLICE):
                pipe.hmget(self.keys.stats, [field(place) for place in places[begin : begin + SLICE]])

        data, names, *values = yield ask_rows
        if not _continues(decode_user_head(data), head):
            raise Gap
        self.learn_names(have, names)
        self._put(places, [value for page in values for value in page], head)
        known = self.numbers
        self._rows.invalidate(self.partition, (int(known[row]) for row in rows if row < len(known)))
        self._remember(fresh)
        self.last = fresh[-1][0]
        full = len(entries) >= PAGE
        if not full:
            self._arrive(head)
        return full

    async def load(self, client: Any) -> None:
        """Read everything, slice by slice; what changes meanwhile is in the stream after `last`."""
        for _ in range(TRIES):
            async with client.pipeline(transaction=True) as pipe:
                pipe.get(self.keys.head)
                pipe.xrevrange(self.keys.changes, count=1)
                pipe.llen(self.keys.names)
                data, newest, count = await pipe.execute()
            names: list[bytes] = []
            for begin in range(0, count, SLICE):
                names.extend(await client.lrange(self.keys.names, begin, min(count, begin + SLICE) - 1))
            values: dict[int, bytes] = {}
            async for name, value in client.hscan_iter(self.keys.stats, count=SLICE):
                values[int.from_bytes(name, "little")] = value
            users = await client.hrandfield(self.keys.users, 300)
            head = decode_user_head(data)
            if _continues(decode_user_head(await client.get(self.keys.head)), head):
                break
        else:
            raise ChangedMeanwhileError
        # From here on nothing waits: readers see the old state or the new one.
        self.generation += 1
        self._counts.reset(self.partition)
        self._rows.clear()
        self.learn_names(0, names)
        places = sorted(place for place in values if place < len(names))
        self._put(places, [values[place] for place in places], head)
        self._counts.rebuild()
        # Nobody stays from before: who was forgotten is in no list of users, and the stream began anew with that.
        self._recent = OrderedDict.fromkeys(user.decode() for user in users or ())
        self.last = newest[0][0] if newest else START
        self.loaded = True
        self._arrive(head)

    def _arrive(self, head: UserHead) -> None:
        if head.types and head.types != list(self._types.names):
            raise ValueError(f"the state was learned with the interaction types {', '.join(head.types)}")
        self.head = head
        for topic, offset in head.next.items():
            self.highest[topic] = max(self.highest.get(topic, 0), offset)
        self._saw(head)

    def _decoded(self, data: bytes | None) -> UserHead:
        """A head that came with an answer: between two batches it is the same again and again."""
        before, head = self._told
        if data != before:
            head = decode_user_head(data)
            self._told = data, head
        return head

    def _saw(self, head: UserHead) -> None:
        if any(self._seen.get(topic, 0) < offset for topic, offset in head.next.items()):  # answers come in any order
            topics = {**self._seen, **head.next}
            self._seen = {topic: max(self._seen.get(topic, 0), head.next.get(topic, 0)) for topic in topics}

    def _put(self, places: Sequence[int], values: Sequence[bytes | None], head: UserHead) -> None:
        have = self._counts.partitions[self.partition].size
        given = [(place, value) for place, value in zip(places, values, strict=True) if value and place < have]
        gone = [place for place, value in zip(places, values, strict=True) if value is None and place < have]
        if gone:
            self._rows.met(self.partition, self.numbers[gone].tolist())
            self._counts.drop(self.partition, np.array(gone, np.int64))
        rows = np.frombuffer(b"".join(value for _, value in given), self._counts.dtype)
        clock = EventClock(head.clock)
        self._counts.put(
            self.partition, np.array([place for place, _ in given], np.int64), rows, clock.now, clock.horizon
        )

    def _remember(self, entries: Iterable[tuple[bytes, Any]]) -> None:
        for _, changed in entries:
            for user in _NAMES.decode(changed.get(b"users") or b"[]"):
                self._recent.pop(user, None)
                self._recent[user] = None
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)


def _reaches(head: UserHead, offsets: Mapping[str, int]) -> bool:
    return all(head.next.get(topic, 0) >= offset for topic, offset in offsets.items())


def _continues(head: UserHead, older: UserHead) -> bool:
    """Is it the same state, as far or further? Then names at hand are still its names."""
    return head.epoch == older.epoch and _reaches(head, older.next)


def field(index: int) -> bytes:
    """The hash field of a local index."""
    return index.to_bytes(4, "little")


def _indexes(entries: Iterable[tuple[bytes, Any]], name: bytes) -> set[int]:
    joined = b"".join(changed.get(name, b"") for _, changed in entries)
    return set(np.frombuffer(joined, "<i4").tolist())


_NAMES: Final[msgspec.json.Decoder[list[str]]] = msgspec.json.Decoder(list[str])
