"""What `Choices` keeps: lists that were served, and events that were read before their list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from online_models.click_model import ShownItems

UNSEEN: Final = -1.0
"""The reward of an item of which it is not known whether it was seen."""


@dataclass(slots=True)
class Held:
    """A list that is kept: by item, whether its own weight may learn, its place, and the reward taught so far.

    at: when it was served, ms; since: the same, but no later than the clock then (a wrong one holds nobody up).
    """

    user: str | None
    at: int
    since: int
    shown: ShownItems
    own: list[bool]
    places: list[int]
    rewards: list[float]
    weight: float
    reported: bool = False

    def find(self, item: str) -> int:
        """Index of an item in the list; -1 where it is not in it."""
        items = self.shown.items
        return items.index(item) if item in items else -1


@dataclass(frozen=True, slots=True)
class Early:
    """An event that was read before its list: a choice with its worth, or an impression (worth 0)."""

    request_id: str
    user: str
    items: tuple[str, ...]
    worth: float
    whole: bool
