"""What answering needs to read: a port with two sides, Redis' views and a replay's memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from recommender.catalogue import Catalogue
from recommender.counts import ItemCounts
from recommender.event_types import EventTypes
from recommender.events import Profile
from recommender.fatigue import ShownLists
from recommender.interests import Interests
from recommender.numbering import Array, Numbering


@dataclass(frozen=True, slots=True)
class History:
    """What was done with which items, oldest first: numbers, event times (ms), weights (units), type codes."""

    items: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    times: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    weights: Array = field(default_factory=lambda: np.zeros(0))
    codes: Array = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class UserState:
    """What is held of one user.

    total: interactions ever; refused: item numbers by rule (`hidden` or `disliked`); interests: the stored view,
    or None where the reader makes it itself; shown: the lists that were shown to them lately.
    """

    user_id: str
    total: int = 0
    history: History = field(default_factory=History)
    refused: dict[int, str] = field(default_factory=dict)
    profile: Profile | None = None
    interests: Interests | None = None
    shown: ShownLists = field(default_factory=ShownLists)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """How far the forgets of one partition have come, as offsets of `forgets`.

    erased: before it, nothing of those users can be reached; files: before it, the store's files hold nothing of
    them; unlearned: before it, their events count no more. done of total: records folded again by the rebuild that is
    under way. gap: why there can be none.
    """

    erased: int = 0
    files: int = 0
    unlearned: int = 0
    done: int = 0
    total: int = 0
    gap: str = ""


class ReadModel(Protocol):
    """State as a reader sees it. Every call may raise `Unavailable`; none changes anything that was learned."""

    @property
    def numbering(self) -> Numbering:
        """Items by number."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """The announced items."""
        ...

    @property
    def counts(self) -> ItemCounts:
        """What is counted of items, summed over the partitions."""
        ...

    @property
    def types(self) -> EventTypes:
        """The interaction types that codes refer to."""
        ...

    async def catch_up(self) -> None:
        """Take in what changed; awaited before an answer is made."""
        ...

    def position(self) -> list[int]:
        """Next offset of each partition of `interactions` that the state includes; never less than it was."""
        ...

    async def users(self, user_ids: Sequence[str]) -> list[UserState | None]:
        """Users as they are now, never from a cache; None for the unknown."""
        ...

    async def rows(self, numbers: Sequence[int]) -> list[Array]:
        """Neighbour rows of items: [m, 3] int32 (item number, C, T), entries of one pair not yet summed."""
        ...

    async def recent_users(self, limit: int) -> list[str]:
        """Users with the latest changes, newest first."""
        ...

    async def life(self, item_id: str) -> dict[str, int | None]:
        """When an item arrived, was encoded, indexed and first recommended: ms or None."""
        ...

    async def export(self, user_id: str) -> dict[str, Any] | None:
        """All that is held of a user, readable; None for an unknown one."""
        ...

    async def forgetting(self, partition: int) -> Forgetting | None:
        """How far the forgets of a partition have come; None for a partition that is not there."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether the state is loaded and current, and if not, why."""
        ...

    def figures(self) -> dict[str, Any]:
        """Sizes, counters and freshness for the status."""
        ...
