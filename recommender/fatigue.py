"""Fatigue: what a user was shown lately, and what it costs an item to have been shown without being chosen.

>>> shown = ShownLists().add(1_000, ["i9", "i3"])
>>> ShownLists.decode(shown.encode()) == shown
True
>>> wear(shown, marks_of(["i9", "i4"]), now_ms=1_000).tolist()
[1.0, 0.0]
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recommender.events import Interaction
from recommender.numbering import Array

Floats = npt.NDArray[np.float64]

LISTS: Final = 5
"""So many of a user's newest lists are remembered,"""
ITEMS: Final = 200
"""with so many items in all."""
TOGETHER_MS: Final = 30_000
"""Single impressions without a request_id belong to one list while no more than this lies between them."""
HALF_LIFE_MS: Final = 6 * 3_600_000
OLDER, LIST_FADE = 0.25, 0.5
"""What the list before the newest weighs beside it, and each before that beside the one after it."""
_HEAD: Final = struct.Struct("<qIH")


@dataclass(frozen=True, slots=True)
class ShownList:
    """One list: when it was shown (event time, ms), a mark of its request (0: none), and its items' marks, [n]."""

    when: int
    request: int
    marks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShownLists:
    """The newest lists of a user, newest first; items are kept as 8-byte hashes (`marks_of`)."""

    lists: tuple[ShownList, ...] = ()

    def add(self, when: int, item_ids: Sequence[str], request_id: str | None = None) -> ShownLists:
        """With a list more; what belongs to the newest list (same request, or soon after) joins it."""
        request = _mark(request_id) & 0xFFFFFFFF if request_id else 0
        marks = tuple(dict.fromkeys(_mark(item_id) for item_id in item_ids))
        rest = self.lists
        if rest and _together(rest[0], when, request):
            marks = tuple(dict.fromkeys((*rest[0].marks, *marks)))
            when, rest = max(when, rest[0].when), rest[1:]
        kept: list[ShownList] = []
        room = ITEMS
        for one in (ShownList(when, request, marks), *rest)[:LISTS]:
            if room:
                kept.append(ShownList(one.when, one.request, one.marks[:room]))
                room -= len(kept[-1].marks)
        return ShownLists(tuple(kept))

    def encode(self) -> bytes:
        """Little-endian: for each list its time i64, request u32 and number of items u16, then their marks u64."""
        return b"".join(
            _HEAD.pack(one.when, one.request, len(one.marks)) + np.array(one.marks, "<u8").tobytes()
            for one in self.lists
        )

    @classmethod
    def decode(cls, data: bytes) -> ShownLists:
        """From the bytes that `encode` gives; raises ValueError for others."""
        lists: list[ShownList] = []
        at = 0
        try:
            while at < len(data):
                when, request, n = _HEAD.unpack_from(data, at)
                marks = np.frombuffer(data, "<u8", n, at + _HEAD.size)
                lists.append(ShownList(when, request, tuple(marks.tolist())))
                at += _HEAD.size + 8 * n
        except struct.error as error:
            raise ValueError(f"no lists that were shown: {error}") from None
        return cls(tuple(lists))


_NONE: Final = ShownLists()


def decode_shown(data: bytes | None) -> ShownLists:
    """What is stored of a user; nothing where nothing is, or what is there can't be read: it is a view."""
    try:
        return ShownLists.decode(data) if data else _NONE
    except ValueError:
        return _NONE


def marks_of(item_ids: Iterable[str]) -> Array:
    """The items' hashes, uint64 [n]: the same as `Numbering.tie`."""
    return np.array([_mark(item_id) for item_id in item_ids], np.uint64)


def take(shown: ShownLists, events: Iterable[Interaction]) -> ShownLists:
    """With the impressions among one user's events, in their order."""
    for event in events:
        if event.type == "impression":
            shown = shown.add(event.timestamp, event.items or [event.item_id or ""], event.request_id)
    return shown


def wear(shown: ShownLists, marks: Array, now_ms: int) -> Floats:
    """How worn items with these marks [n] are, 0 to 1: 1 in the newest list just now, half of it after 6 hours.

    Items of the list before are worn a quarter as much, and half with each list further back; of several lists the one
    that tells most counts. A list with a time after `now_ms` (event time) is of now, until others push it out.
    """
    out = np.zeros(len(marks))
    told: dict[int, float] = {}
    for place, one in enumerate(shown.lists):
        worth = (OLDER * LIST_FADE ** (place - 1) if place else 1.0) * 0.5 ** (max(now_ms - one.when, 0) / HALF_LIFE_MS)
        told.update((mark, worth) for mark in one.marks if told.get(mark, 0.0) < worth)
    if not told:
        return out
    given = np.fromiter(told, np.uint64, len(told))
    order = given.argsort()
    given = given[order]
    at = given.searchsorted(marks)
    at[at == len(given)] = 0
    held = (given[at] == marks).nonzero()[0]
    out[held] = np.fromiter(told.values(), np.float64, len(told))[order[at[held]]]
    return out


def price(worn: Floats, total: Floats, dial: float) -> Floats:
    """What is taken off each score [n]: at dial 1, fully worn, twice all that lies between the best and the worst.

    Twice, so that an item of the list just shown pays that range more than one of an earlier list: nothing is listed
    twice running while there is anything else, and a list never goes further down than as many places as were shown.
    """
    if not len(total):
        return np.zeros(0)
    return worn * dial * (2.0 * float(total.max() - total.min()) * (1.0 + 1e-9) + 1e-6)


def _together(newest: ShownList, when: int, request: int) -> bool:
    if request or newest.request:
        return request == newest.request
    return abs(when - newest.when) <= TOGETHER_MS


def _mark(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
