"""Users of one partition: a ring of their newest interactions, and what they refused.

A user's row, little-endian: version u8, interactions in all u32, n u16, refusals m u16; then n
item indexes i32, n times i64, n weights i32, n type codes u8 (oldest first); then m item indexes
i32 and m kinds u8. Up to when a user is forgotten is not in it: nothing of them may remain here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from online_models.kernels import HISTORY
from online_models.neighbours import grown

Array = np.ndarray[Any, Any]

DISLIKED: Final = 1
HIDDEN: Final = 2
MAX_REFUSALS: Final = 1_000
_HEAD = struct.Struct("<BIHH")
_VERSION = 2


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user as stored: arrays of length n, oldest first, and refused item indexes by kind."""

    total: int
    items: Array
    times: Array
    weights: Array
    codes: Array
    refused: dict[int, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Is nothing held of the user?"""
        return not (self.total or self.refused)

    @classmethod
    def from_bytes(cls, data: bytes) -> UserRow:
        """Decode a row; raises ValueError for another version."""
        version, total, n, m = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise ValueError(f"user row of version {version}, this code reads {_VERSION}")
        at = _HEAD.size
        items = np.frombuffer(data, "<i4", n, at)
        times = np.frombuffer(data, "<i8", n, at + 4 * n)
        weights = np.frombuffer(data, "<i4", n, at + 12 * n)
        codes = np.frombuffer(data, "u1", n, at + 16 * n)
        at += 17 * n
        refused = np.frombuffer(data, "<i4", m, at).tolist() if m else []
        return cls(total, items, times, weights, codes, dict(zip(refused, data[at + 4 * m : at + 5 * m], strict=True)))

    def to_bytes(self) -> bytes:
        """The row as `from_bytes` reads it."""
        n, m = len(self.items), len(self.refused)
        return b"".join(
            (
                _HEAD.pack(_VERSION, self.total, n, m),
                self.items.astype("<i4", copy=False).tobytes(),
                self.times.astype("<i8", copy=False).tobytes(),
                self.weights.astype("<i4", copy=False).tobytes(),
                self.codes.astype("u1", copy=False).tobytes(),
                np.fromiter(self.refused.keys(), "<i4", m).tobytes() if m else b"",
                np.fromiter(self.refused.values(), "u1", m).tobytes() if m else b"",
            )
        )


class UserRings:
    """The users that a worker has in hand, in dense arrays by slot; the rest lies in the store.

    `events` counts a user's interactions with those that the kernel has yet to put into the ring.
    """

    def __init__(self, users: int = 256) -> None:
        self.slots: dict[str, int] = {}
        self.ids: list[str] = []
        self.refused: list[dict[int, int]] = []
        self.forgotten_until: list[int] = []
        self.events: list[int] = []
        self.item = np.zeros((users, HISTORY), np.int32)
        self.time = np.zeros((users, HISTORY), np.int64)
        self.weight = np.zeros((users, HISTORY), np.int32)
        self.code = np.zeros((users, HISTORY), np.uint8)
        self.total = np.zeros(users, np.int64)
        self.dirty = np.zeros(users, np.uint8)

    def add(self, user_id: str, row: UserRow | None, until: int = 0) -> int:
        """Take a user in hand, from a stored row or new, forgotten up to `until` (ms); returns the slot."""
        slot = len(self.ids)
        if slot == len(self.total):
            for name in ("item", "time", "weight", "code", "total", "dirty"):
                setattr(self, name, grown(getattr(self, name), 2 * slot))
        self.slots[user_id] = slot
        self.ids.append(user_id)
        self.refused.append(dict(row.refused) if row else {})
        self.forgotten_until.append(until)
        self.events.append(row.total if row else 0)
        self._fill(slot, row)
        return slot

    def row(self, slot: int) -> UserRow:
        """One user's row, arrays oldest first (copies)."""
        total = int(self.total[slot])
        places: Any = slice(total) if total <= HISTORY else np.arange(total - HISTORY, total) % HISTORY
        return UserRow(
            total,
            self.item[slot, places].copy(),
            self.time[slot, places].copy(),
            self.weight[slot, places].copy(),
            self.code[slot, places].copy(),
            self.refused[slot],
        )

    def holds(self, slot: int, item: int) -> bool:
        """Is an item in a user's ring?"""
        return bool((self.item[slot, : min(self.total[slot], HISTORY)] == item).any())

    def refuse(self, slot: int, item: int, kind: int, tie: Array) -> None:
        """Remember that a user will not have an item; hidden is for ever, disliked till chosen again.

        Of items that are there (`tie` is not 0) the newest `MAX_REFUSALS` are kept. What else is remembered decides
        nothing, so that it may be left out at any time (when numbers are given anew).
        """
        refused = self.refused[slot]
        if refused.get(item) == HIDDEN:
            return
        refused.pop(item, None)
        refused[item] = kind
        if len(refused) > MAX_REFUSALS:
            for gone in [index for index in refused if tie[index] == 0]:
                del refused[gone]
        if len(refused) > MAX_REFUSALS:
            del refused[next(iter(refused))]
        self.dirty[slot] = 1

    def choose(self, slot: int, item: int) -> None:
        """The user chose an item: an earlier dislike of it is over."""
        if self.refused[slot].get(item) == DISLIKED:
            del self.refused[slot][item]
            self.dirty[slot] = 1

    def erase(self, slot: int, until: int) -> None:
        """Drop all that is held of a user, and ignore events of up to `until` (event time, ms)."""
        self.forgotten_until[slot] = max(self.forgotten_until[slot], until)
        self.refused[slot] = {}
        self.total[slot] = self.events[slot] = 0
        self.dirty[slot] = 1

    def evict(self, user_id: str) -> None:
        """Drop all that is held of a user; what the kernel has yet to do for them goes on in the slot they leave."""
        slot = self.add(user_id, None, self.forgotten_until[self.slots[user_id]])
        self.dirty[slot] = 1

    def take_changes(self) -> dict[str, bytes | None]:
        """The rows that changed since the last call, by user; None where nothing is held any more."""
        # Those that were left behind are nobody's.
        slots = [slot for slot in np.flatnonzero(self.dirty).tolist() if self.slots[self.ids[slot]] == slot]
        self.dirty[:] = 0
        columns = [(column.data.cast("B"), column.itemsize) for column in self._columns()]
        totals = self.total[slots].tolist()
        return {self.ids[slot]: self._packed(slot, total, columns) for slot, total in zip(slots, totals, strict=True)}

    def _columns(self) -> list[Array]:
        return [
            self.item.astype("<i4", copy=False),
            self.time.astype("<i8", copy=False),
            self.weight.astype("<i4", copy=False),
            self.code,
        ]

    def _packed(self, slot: int, total: int, columns: list[tuple[memoryview, int]]) -> bytes | None:
        """A row's bytes, as `UserRow.to_bytes` makes them."""
        refused = self.refused[slot]
        if not total and not refused:
            return None
        n, m, begin = min(total, HISTORY), len(refused), slot * HISTORY
        cut = total % HISTORY if total > HISTORY else 0
        parts: list[bytes | memoryview] = [_HEAD.pack(_VERSION, total, n, m)]
        for column, size in columns:
            parts.append(column[size * (begin + cut) : size * (begin + n)])
            if cut:
                parts.append(column[size * begin : size * (begin + cut)])
        if m:
            parts += [np.fromiter(refused, "<i4", m).tobytes(), bytes(refused.values())]
        return b"".join(parts)

    def _fill(self, slot: int, row: UserRow | None) -> None:
        self.total[slot] = 0
        if row is None:
            return
        n = len(row.items)
        places = np.arange(row.total - n, row.total) % HISTORY
        self.item[slot, places] = row.items
        self.time[slot, places] = row.times
        self.weight[slot, places] = row.weights
        self.code[slot, places] = row.codes
        self.total[slot] = row.total
