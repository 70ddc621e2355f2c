"""The head of a partition's state: what the guarded write compares, and what a reader asks first."""

from __future__ import annotations

import msgspec

FORMAT = 3


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """The last applied record of a topic: a log that was made anew does not have it."""

    offset: int
    timestamp: int
    hash: str


class UserHead(msgspec.Struct, frozen=True):
    """Head of one partition of `interactions` (with `profiles` and `forgets` of the same number).

    `next` holds the next offset to read, by topic; counters are of `interactions`. `clock` is the
    window of the event clock, `accepted` the number of event ids ever accepted, `names` the
    number of item names, `types` the interaction types that codes in rows refer to. Up to `unlearned`, an offset
    of `forgets`, forgotten users' events do not count any more; `forget_key` tells the key of the tombstones.
    `epoch` is a random id of the local item numbers: another one where the state was made anew.
    """

    next: dict[str, int] = {}
    applied: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    forgotten: int = 0
    accepted: int = 0
    names: int = 0
    clock: list[int] = []
    types: list[str] = []
    marks: dict[str, Mark] = {}
    unlearned: int = 0
    forget_key: str = ""
    epoch: str = ""
    format: int = FORMAT


class ItemHead(msgspec.Struct, frozen=True):
    """Head of one partition of `items`."""

    next: dict[str, int] = {}
    applied: int = 0
    dead_letters: int = 0
    marks: dict[str, Mark] = {}
    format: int = FORMAT


def went_back(before: UserHead | ItemHead, after: UserHead | ItemHead) -> set[str]:
    """The topics of which a state holds less than before.

    >>> went_back(ItemHead({"items": 3}), ItemHead({"items": 2}))
    {'items'}
    """
    return {topic for topic, offset in before.next.items() if after.next.get(topic, 0) < offset}


_USER = msgspec.json.Decoder(UserHead)
_ITEM = msgspec.json.Decoder(ItemHead)


def decode_user_head(data: bytes | None) -> UserHead:
    """The head from its stored bytes; an empty one where nothing is stored."""
    return _USER.decode(data) if data else UserHead()


def decode_item_head(data: bytes | None) -> ItemHead:
    """The head from its stored bytes; an empty one where nothing is stored."""
    return _ITEM.decode(data) if data else ItemHead()
