"""Rows as a store would keep them."""

from collections.abc import Callable, Sequence

import numpy as np

from online_models.caps import Caps
from online_models.partition_state import PartitionState, never
from online_models.row_source import Changes


class Rows:
    """A partition's rows, names, ids and queue in dictionaries and lists."""

    has_items = True

    def __init__(self) -> None:
        self.users: dict[str, bytes] = {}
        self.stats: dict[int, bytes] = {}
        self.rows: dict[int, bytes] = {}
        self.names: list[str] = []
        self.event_ids: list[bytes] = []
        self.queue: list[str] = []

    def keep(self, changes: Changes) -> None:
        for user, row in changes.users.items():
            self.users.pop(user, None)
            if row is not None:
                self.users[user] = row
        self.stats.update(changes.stats)
        self.rows.update(changes.rows)
        self.names.extend(changes.names)
        self.event_ids.extend(changes.event_ids)
        for index in changes.gone:
            self.names[index] = ""
            self.stats.pop(index, None)
            self.rows.pop(index, None)
        for user in changes.queue.removed:
            self.queue.remove(user)
        self.queue.extend(changes.queue.pushed)
        del self.queue[: changes.queue.popped]

    def reopened(
        self,
        before: PartitionState,
        dedupe: int,
        max_users: int,
        caps: Caps,
        forgotten: Callable[[str], int] = never,
    ) -> PartitionState:
        """A state that goes on from here, as after a restart."""
        state = PartitionState(source=self, dedupe=dedupe, max_users=max_users, forgotten=forgotten, caps=caps)
        state.restore(self.names, before.clock.times, len(self.event_ids), [b"".join(self.event_ids)], self.queue)
        return state

    def user_rows(self, user_ids: Sequence[str]) -> list[bytes | None]:
        return [self.users.get(user) for user in user_ids]

    def item_rows(self, indexes: Sequence[int]) -> list[tuple[bytes | None, bytes | None]]:
        return [(self.stats.get(i), self.rows.get(i)) for i in indexes]

    def item_stats(self, indexes: Sequence[int]) -> list[bytes | None]:
        return [self.stats.get(i) for i in indexes]

    def everything(self) -> tuple[object, ...]:
        """All that is kept, rows without their order."""
        tables = {
            i: sorted(map(tuple, np.frombuffer(row, "<i4").reshape(-1, 3).tolist())) for i, row in self.rows.items()
        }
        return self.users, self.stats, tables, self.names, self.event_ids, self.queue
