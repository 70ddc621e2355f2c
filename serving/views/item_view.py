"""One partition of items as a reader follows it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from recommender.catalogue import Catalogue
from recommender.events import Item
from recommender.head import ItemHead, decode_item_head
from recommender.keys import ItemKeys
from recommender.partitioning import partition_of
from serving.views.stream_ids import PAGE, START, TRIES, ChangedMeanwhileError, Gap, since
from serving.views.together import Page

SLICE: Final = 2_000


class ItemView:
    """Keeps the catalogue's share of one partition current.

    Attributes
    ----------
    highest
        The furthest offset of `items` that an answer may have included.
    """

    def __init__(self, partition: int, partitions: int, keys: ItemKeys, catalogue: Catalogue) -> None:
        self.partition = partition
        self.keys = keys
        self.last = START
        self.loaded = False
        self.head = ItemHead()
        self.highest = 0
        self.following = asyncio.Lock()
        self._partitions = partitions
        self._catalogue = catalogue

    @property
    def behind(self) -> bool:
        """Did the store lose items that answers knew already?"""
        return _position(self.head) < self.highest

    def page(self) -> Page:
        """One page of changes; True if there may be more."""

        def ask_changes(pipe: Any) -> None:
            pipe.get(self.keys.head)
            pipe.xrange(self.keys.changes, min=self.last.decode(), max="+", count=PAGE)

        data, entries = yield ask_changes
        head = decode_item_head(data)
        if _position(head) < _position(self.head):
            raise Gap
        fresh = since(self.last, entries)
        names = list({name: None for _, changed in fresh for name in _NAMES.decode(changed.get(b"items") or b"[]")})
        for begin in range(0, len(names), SLICE):
            page = names[begin : begin + SLICE]

            def ask_items(pipe: Any, page: list[str] = page) -> None:
                pipe.get(self.keys.head)
                pipe.hmget(self.keys.items, page)

            data, values = yield ask_items
            if _position(decode_item_head(data)) < _position(head):
                raise Gap  # a store that was emptied has removed nothing
            for name, value in zip(page, values, strict=True):
                if value is None:
                    self._catalogue.remove(name)
                else:
                    self._catalogue.put(_ITEM.decode(value))
        self._arrive(head)
        self.last = fresh[-1][0] if fresh else self.last
        return len(entries) >= PAGE

    async def load(self, client: Any) -> None:
        for _ in range(TRIES):
            async with client.pipeline(transaction=True) as pipe:
                pipe.get(self.keys.head)
                pipe.xrevrange(self.keys.changes, count=1)
                data, newest = await pipe.execute()
            items: dict[str, bytes] = {}
            async for name, value in client.hscan_iter(self.keys.items, count=SLICE):
                items[name.decode()] = value
            head = decode_item_head(data)
            if _position(decode_item_head(await client.get(self.keys.head))) >= _position(head):
                break
        else:
            raise ChangedMeanwhileError
        # From here on nothing waits: readers see the old catalogue or the new one.
        for item in list(self._catalogue.items.values()):
            if item.item_id not in items and partition_of(item.item_id, self._partitions) == self.partition:
                self._catalogue.remove(item.item_id)
        for value in items.values():
            self._catalogue.put(_ITEM.decode(value))
        self._arrive(head)
        self.last = newest[0][0] if newest else START
        self.loaded = True

    def _arrive(self, head: ItemHead) -> None:
        self.head = head
        self.highest = max(self.highest, _position(head))
        # An item that was removed is announced no more, but it was: it must not come back for its clicks.
        self._catalogue.closed |= head.applied > 0


def _position(head: ItemHead) -> int:
    return head.next.get("items", 0)


_NAMES: Final[msgspec.json.Decoder[list[str]]] = msgspec.json.Decoder(list[str])
_ITEM: Final[msgspec.json.Decoder[Item]] = msgspec.json.Decoder(Item)
