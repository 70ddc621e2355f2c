"""The read model of a replay: partition states in this process's memory, no Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from online_models.item_stats import stats_dtype
from online_models.kernels import HALF_LIVES_MS, HISTORY, SCALE
from online_models.partition_state import PartitionState
from recommender.catalogue import Catalogue
from recommender.counts import ItemCounts
from recommender.event_types import EventTypes
from recommender.events import Item, Profile
from recommender.fatigue import ShownLists
from recommender.leaving import Leaving
from recommender.numbering import Array, Numbering
from recommender.partitioning import partition_of
from recommender.read_model import Forgetting, UserState
from serving.views.translate import NOTHING_SHOWN, exported, joined_rows, user_state

STAGES = ("published", "arrived", "encoded", "indexed", "first_recommended")


class MemoryReadModel:
    """`ReadModel` over partition states.

    Parameters
    ----------
    states
        The partitions' states, by number. A later state of a partition is set with `replace`.
    profiles
        Gives a user's profile, or None.
    position
        Gives the next offset of each partition; default: zeros.
    follow
        Take the states' changes by itself. Only for states whose changes nobody else takes (`take_changes`); whoever
        takes them tells `note` which counts changed.
    """

    def __init__(
        self,
        states: Sequence[PartitionState],
        profiles: Callable[[str], Profile | None] = lambda _: None,
        position: Callable[[], list[int]] | None = None,
        follow: bool = True,
        shown: Callable[[str], ShownLists] = lambda _: NOTHING_SHOWN,
    ) -> None:
        self.states = list(states)
        self.numbering = Numbering()
        self.catalogue = Catalogue(self.numbering)
        self.types: EventTypes = self.states[0].types
        self.counts = ItemCounts(len(self.states), stats_dtype(len(self.types.names)), SCALE, HALF_LIVES_MS)
        self._leaving = Leaving(self.catalogue, self.counts.partitions)
        self._profiles = profiles
        self._position = position or (lambda: [0] * len(self.states))
        self._follow = follow
        self._shown = shown
        self._noted: list[set[int]] = [set() for _ in self.states]
        for partition, state in enumerate(self.states):
            self.note(partition, range(len(state.dictionary)))

    def announce(self, item: Item) -> None:
        """An item was announced or changed."""
        self.counts.reserve(self.catalogue.put(item) + 1)

    def withdraw(self, item_id: str) -> None:
        """An item was removed."""
        self.catalogue.closed = True
        self.catalogue.remove(item_id)

    def note(self, partition: int, indexes: Iterable[int]) -> None:
        """Counts of these local indexes changed; the next answer takes them in."""
        self._noted[partition].update(indexes)

    def replace(self, partition: int, state: PartitionState) -> None:
        """Another state holds the partition from now on."""
        self.states[partition] = state
        self.counts.reset(partition)
        self._noted[partition] = set(range(len(state.dictionary)))
        self.refresh()
        self.counts.rebuild()

    async def catch_up(self) -> None:
        """Take in what was noted."""
        self.refresh()

    def refresh(self) -> None:
        """The same, at once."""
        for partition, state in enumerate(self.states):
            noted = self._noted[partition]
            if self._follow:
                changes = state.take_changes()
                noted.update((*changes.stats, *changes.gone))
            have = self.counts.partitions[partition].size
            self.counts.extend(partition, state.dictionary.names[have:], self.numbering)
            if noted:
                places = np.fromiter(noted, np.int64, len(noted))
                live = np.array([bool(state.dictionary.names[place]) for place in places.tolist()])
                self.counts.drop(partition, places[~live])
                places = places[live]
                self.counts.put(partition, places, state.stats.table[places], state.clock.now, state.clock.horizon)
                noted.clear()
        self.counts.settle()
        self._leaving.look()

    def position(self) -> list[int]:
        """Next offset of each partition."""
        return self._position()

    async def users(self, user_ids: Sequence[str]) -> list[UserState | None]:
        """Users as the states have them."""
        return [self._user(user_id) for user_id in user_ids]

    async def rows(self, numbers: Sequence[int]) -> list[Array]:
        """Neighbour rows, the partitions' pieces one after another."""
        wanted = np.asarray(numbers, np.int64)
        tables = [
            (state.rows, counts.places(wanted), counts.numbers[: counts.size])
            for state, counts in zip(self.states, self.counts.partitions, strict=True)
        ]
        return joined_rows(tables, len(numbers))

    async def recent_users(self, limit: int) -> list[str]:
        """Users in hand with the newest events."""
        newest: list[tuple[int, str]] = []
        for state in self.states:
            users = state.users
            total = users.total[: len(users.ids)]
            times = users.time[np.arange(len(total)), (total - 1) % HISTORY]
            newest.extend(
                (when, name)
                for slot, (when, name) in enumerate(zip(times.tolist(), users.ids, strict=True))
                if total[slot] and users.slots[name] == slot
            )
        return [name for _, name in sorted(newest, key=lambda pair: (-pair[0], pair[1]))[:limit]]

    async def life(self, item_id: str) -> dict[str, int | None]:
        """Nothing: a replay has no life."""
        del item_id
        return dict.fromkeys(STAGES)

    async def export(self, user_id: str) -> dict[str, Any] | None:
        """All that is held of a user."""
        state = self._user(user_id)
        return exported(state, self.numbering, self.types) if state else None

    async def forgetting(self, partition: int) -> Forgetting | None:
        """A replay forgets at once."""
        end = 2**63 - 1
        return Forgetting(end, end, end) if partition < len(self.states) else None

    def ready(self) -> tuple[bool, str]:
        """Always."""
        return True, ""

    def figures(self) -> dict[str, Any]:
        """Sizes."""
        return {**self.catalogue.figures(), "users": sum(len(state.users.ids) for state in self.states)}

    def _user(self, user_id: str) -> UserState | None:
        partition = partition_of(user_id, len(self.states))
        counts = self.counts.partitions[partition]
        row = self.states[partition].user(user_id)
        profile, shown = self._profiles(user_id), self._shown(user_id)
        return user_state(user_id, row, counts.numbers[: counts.size], profile, shown=shown)
