"""What the HTTP door asks of whoever writes events to the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from recommender.events import Forget, Interaction, Item, Profile


class Written(NamedTuple):
    """Where an event lies: its partition and its offset there."""

    partition: int
    offset: int


class Publishing(Protocol):
    """Writes checked events to the log. Every call raises `Unavailable` when the log is away.

    Answers come in the order of the events given.
    """

    async def publish_interactions(self, events: Sequence[Interaction]) -> list[Written]:
        """Write interactions, each to its user's partition."""
        ...

    async def publish_items(self, events: Sequence[Item]) -> list[Written]:
        """Announce items."""
        ...

    async def publish_profiles(self, events: Sequence[Profile]) -> list[Written]:
        """Write what users say of themselves."""
        ...

    async def publish_forget(self, event: Forget) -> Written:
        """Ask for a user to be forgotten."""
        ...

    async def remove_item(self, item_id: str) -> Written:
        """Withdraw an item: an empty value under its id."""
        ...
