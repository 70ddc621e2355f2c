"""The exact tier of one partition: a fold over its log, and what each batch of it changed.

The same code runs in the worker (rows come from and go to Redis), in a direct replay (rows in
memory) and inside the `default` model. Batch cuts change nothing: `fold` of two lists is `fold`
of their concatenation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from online_models import kernels
from online_models.admission import places_to_clear
from online_models.caps import Caps
from online_models.columns import Columns, treatment
from online_models.dedupe import DedupeWindow
from online_models.dictionary import Dictionary
from online_models.event_clock import EventClock
from online_models.item_stats import ItemStats
from online_models.item_table import ItemTable
from online_models.neighbours import NeighbourRows
from online_models.rings import DISLIKED, HIDDEN, UserRings, UserRow
from online_models.row_source import Changes, NoRows, RowSource
from online_models.user_queue import UserQueue
from recommender.event_types import EventTypes
from recommender.events import Interaction

Array = np.ndarray[Any, Any]

CHANCES = 64
"""So many users at the front of the queue may be sent to its end before one goes though they came back."""


@dataclass(slots=True)
class Folded:
    """What became of the events given to `fold`: the ones learned, and how many were repeats."""

    learned: list[Interaction]
    duplicates: int
    forgotten: int


def never(user_id: str) -> int:
    """Nobody was forgotten."""
    del user_id
    return 0


class PartitionState:
    """Rings, counts and rows of one partition of `interactions`.

    Parameters
    ----------
    types
        The interaction types and their weights.
    source
        Where rows lie that are not in hand.
    dedupe
        Length of the window of accepted event ids.
    max_users
        Users kept in hand; beyond, all are dropped between batches and read again on demand.
    forgotten
        The event time in ms up to which a user's events are ignored, 0 for none. Asked once for each user taken in
        hand.
    caps
        How many users and items are kept, and how much of one account counts.
    """

    def __init__(
        self,
        types: EventTypes | None = None,
        source: RowSource | None = None,
        dedupe: int = 100_000,
        max_users: int = 100_000,
        forgotten: Callable[[str], int] = never,
        caps: Caps | None = None,
    ) -> None:
        self.types = types or EventTypes()
        self._treatment = treatment(self.types)
        self.source: RowSource = source or NoRows()
        self.max_users = max_users
        self._forgotten = forgotten
        self.caps = caps or Caps()
        self.users = UserRings()
        self.queue = UserQueue()
        self.items = self._table(())
        self.clock = EventClock()
        self.seen_ids = DedupeWindow(dedupe)

    def restore(
        self,
        names: Sequence[str],
        times: Sequence[int],
        accepted: int,
        chunks: Sequence[bytes],
        queue: Sequence[str] = (),
    ) -> None:
        """Continue from what a store holds: item names, the clock's window, the dedupe window, the users' queue."""
        self.items = self._table(names)
        self.queue = UserQueue(queue)
        self.clock = EventClock(times)
        self.seen_ids.restore(accepted, chunks)

    def number_anew(self, names: Sequence[str]) -> None:
        """Continue under other item numbers, by which the source has all rows from now on; nothing may be untaken."""
        self.items = self._table(names)
        self.users = UserRings()

    @property
    def dictionary(self) -> Dictionary:
        """The items' names by local index."""
        return self.items.dictionary

    @property
    def stats(self) -> ItemStats:
        """The items' counts by local index."""
        return self.items.stats

    @property
    def rows(self) -> NeighbourRows:
        """The items' neighbours by local index."""
        return self.items.rows

    def _table(self, names: Sequence[str]) -> ItemTable:
        return ItemTable(len(self.types.names), self.source, names)

    def fold(self, events: Sequence[Interaction]) -> Folded:
        """Learn checked events in their order; repeats by event_id are counted and left out."""
        if len(self.users.ids) > self.max_users:
            self.users = UserRings()
        self._bring([event.user_id for event in events])
        learned: list[Interaction] = []
        duplicates = forgotten = 0
        slots, until, accept = self.users.slots, self.users.forgotten_until, self.seen_ids.accept
        for event in events:
            if event.timestamp <= until[slots[event.user_id]]:
                forgotten += 1
            elif event.event_id is not None and not accept(event.event_id):
                duplicates += 1
            else:
                learned.append(event)
        self._learn(learned)
        return Folded(learned, duplicates, forgotten)

    def erase(self, user_id: str, until: int) -> None:
        """Drop all that is held of a user; their events of up to an event time in ms are ignored from now on.

        What they added to counts and neighbour rows stays: taking that back needs the log (the partition is folded
        anew without them).
        """
        self._bring([user_id])
        slot = self.users.slots[user_id]
        if self.users.events[slot]:
            self.queue.remove(user_id)
        self.users.erase(slot, until)

    def user(self, user_id: str) -> UserRow | None:
        """A user's row, or None for an unknown user; asking takes nobody in hand."""
        slot = self.users.slots.get(user_id)
        if slot is not None:
            row = self.users.row(slot)
            return None if row.empty else row
        data = self.source.user_rows([user_id])[0]
        return UserRow.from_bytes(data) if data else None

    def has_met(self, user_id: str, item: int) -> bool:
        """Is an item (local index) in a user's history?"""
        slot = self.users.slots.get(user_id)
        if slot is not None:
            return self.users.holds(slot, item)
        row = self.user(user_id)
        return row is not None and item in row.items

    def take_changes(self) -> Changes:
        """The rows that changed since the last call; they count as stored from now on."""
        changes = Changes(
            users=self.users.take_changes(),
            event_ids=self.seen_ids.take_fresh(),
            queue=self.queue.take_changes(),
        )
        self.items.take_changes(changes)
        return changes

    def _learn(self, learned: Sequence[Interaction]) -> None:
        types, users, dictionary = self.types, self.users, self.items.dictionary
        index = dictionary.index
        columns = Columns(self.clock.ticks([event.timestamp for event in learned]))
        events, slots, items = columns.events, columns.slots, columns.items
        codes, weights = columns.codes, columns.weights
        for place, event in enumerate(learned):
            kind, name, slot = event.type, event.item_id or "", users.slots[event.user_id]
            if kind == "impression":
                for shown in self._numbers(event.items or [name], place, columns):
                    events.append(place)
                    slots.append(slot)
                    items.append(shown)
                    codes.append(types.codes[kind])
                    weights.append(0.0)
                continue
            item = index.get(name, -1)
            if item < 0:
                item = self._numbers([name], place, columns)[0]
            value = event.value
            events.append(place)
            slots.append(slot)
            items.append(item)
            codes.append(types.codes[kind])
            is_fixed = value is None and kind in types.fixed
            weights.append(types.fixed[kind] if is_fixed else types.weight(kind, value, event.scale))
            if not users.events[slot]:
                self._welcome(event.user_id)
            users.events[slot] += 1
            if kind == "hide":
                users.refuse(slot, item, HIDDEN, dictionary.tie)
            elif kind == "dislike":
                users.refuse(slot, item, DISLIKED, dictionary.tie)
            elif users.refused[slot] and kind in types.choices:
                users.choose(slot, item)
        self._run(columns)

    def _numbers(self, names: list[str], place: int, columns: Columns) -> list[int]:
        """The items' local indexes; new ones take places, which others give up after what waits was run."""
        dictionary = self.items.dictionary
        coming = {name for name in names if name not in dictionary.index}
        count = places_to_clear(self.caps.items, dictionary.live, len(coming))
        if count:
            self._run(columns)
            columns.clear()
            kept = [dictionary.index[name] for name in names if name not in coming]
            self.items.clear_places(count, kept, int(columns.clock[1, place]))
        return [dictionary.number(name) for name in names]

    def _welcome(self, user_id: str) -> None:
        """Somebody's first event: where there are too many, somebody else leaves."""
        if len(self.queue) >= self.caps.users:
            self._evict_user()
        self.queue.push(user_id, 1)

    def _evict_user(self) -> None:
        for chance in range(CHANCES + 1):
            first = self.queue.front(1)[0]
            if first not in self.users.slots:
                self._bring(self.queue.front(CHANCES))
            user_id, before = self.queue.pop()
            now = self.users.events[self.users.slots[user_id]]
            if now == before or chance == CHANCES:
                self.users.evict(user_id)
                return
            self.queue.push(user_id, now)

    def _run(self, columns: Columns) -> None:
        table, users, rows = self.items, self.users, self.items.rows
        table.reserve()
        if not len(columns):
            return
        folded, weights = columns.arrays()
        table.bring_voters(folded[2], folded[1], users.item, users.total)
        done = 0
        while done < len(weights):
            done = kernels.fold(
                done, folded, weights, columns.clock, self._treatment,
                users.item, users.time, users.weight, users.code, users.total, table.stats.table,
                rows.offset, rows.length, rows.room, rows.entries, rows.ids, rows.used,
                table.dictionary.tie, users.dirty, table.dirty, self.caps.influence,
            )  # fmt: skip
            if done < len(weights):
                rows.make_room()

    def _bring(self, user_ids: Sequence[str]) -> None:
        slots = self.users.slots
        missing = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in slots]
        if not missing:
            return
        for user_id, data in zip(missing, self.source.user_rows(missing), strict=True):
            self.users.add(user_id, UserRow.from_bytes(data) if data else None, self._forgotten(user_id))
