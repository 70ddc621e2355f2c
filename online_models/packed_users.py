"""Users' rows as bytes, for a state that has nowhere else to put them: a tenth of what a user in hand takes.

>>> from online_models.partition_state import PartitionState
>>> from recommender.events import Interaction
>>> users = PackedUsers()
>>> state = PartitionState(source=users, max_users=0)  # nobody stays in hand
>>> for at in (1, 2):
...     _ = state.fold([Interaction("u1", "click", at, f"i{at}")]); users.pack(state)
>>> state.user("u1").total, list(users.rows)
(2, ['u1'])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from online_models.partition_state import PartitionState
from online_models.row_source import NoRows

IN_HAND: Final = 20_000
"""Users in hand, at some 3.5 kB each."""


class PackedUsers(NoRows):
    """The source of a `PartitionState`'s users; who was forgotten `before` stays so. The state's items stay in hand."""

    def __init__(self, rows: Mapping[str, bytes] | None = None, before: PackedUsers | None = None) -> None:
        self.rows: dict[str, bytes] = dict(rows or {})
        """By user; nobody of whom nothing is held: the id of somebody forgotten must not be saved."""
        self._forgotten: dict[str, int] = {} if before is None else before._forgotten

    def user_rows(self, user_ids: Sequence[str]) -> list[bytes | None]:
        """Rows of users, None for the unknown."""
        return [self.rows.get(user) for user in user_ids]

    def forgotten(self, user: str) -> int:
        """The event time (ms) up to which a user's events are ignored; 0 for none."""
        return self._forgotten.get(user, 0)

    def erase(self, state: PartitionState, user: str, until: int) -> None:
        """Drop what is held of a user; events of up to an event time in ms are ignored from now on."""
        self._forgotten[user] = max(until, self.forgotten(user))
        state.erase(user, until)
        self.pack(state)

    def pack(self, state: PartitionState) -> None:
        """Take over the rows that changed in hand. The state drops who is in hand when they are too many."""
        for user, row in state.users.take_changes().items():
            if row is None:
                self.rows.pop(user, None)
            else:
                self.rows[user] = row
        state.queue.take_changes()  # nobody stores them
