"""A user as candidates are scored for: their ring, their session, the gap since they were last heard of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from online_models.base import Id
from online_models.kernels import RING
from online_models.rings import UserRow
from online_models.sessions import gap_ms, votes_in_session

Array = np.ndarray[Any, Any]

_NOTHING: Final = np.zeros(0, np.int64)
NOBODY: Final = UserRow(0, _NOTHING, _NOTHING, _NOTHING, _NOTHING)
"""The row of somebody of whom nothing is held."""


@dataclass(frozen=True, slots=True)
class View:
    """What a score takes of a user.

    history: how many interactions there were; now: event time, ms; gap: time since the last of them, ms, negative if
    there is none; ring: the items that vote, newest first, of which `session` are of the session under way; touched,
    own: the items that a read-out touched, and the user's own.
    """

    user: Id
    history: int
    now: int
    gap: float
    ring: Array
    session: int
    touched: Array = field(default_factory=lambda: _NOTHING)
    own: Array = field(default_factory=lambda: _NOTHING)

    @classmethod
    def of(cls, user: Id, row: UserRow, now: int) -> View:
        """A user from their row, at an event time."""
        newest = slice(-1, -1 - min(RING, len(row.items)), -1)
        weights, times = row.weights[newest], row.times[newest]
        ring = row.items[newest][weights >= 0].astype(np.int64)
        return cls(user, row.total, now, gap_ms(times, now), ring, votes_in_session(times, weights, now))

    def with_items(self, touched: Array, own: Array) -> View:
        """The same with items that were read."""
        return replace(self, touched=touched, own=own)
