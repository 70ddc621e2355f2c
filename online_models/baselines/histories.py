"""The last items of each user, bounded in users and in items of one.

>>> histories = Histories(users=2, length=2)
>>> for user, item in (("u1", 0), ("u1", 1), ("u1", 2), ("u2", 0), ("u3", 0)):
...     histories.add(user, item)
>>> histories.of("u1"), histories.of("u2")
([], [0])
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

from online_models.ids import plain
from online_models.state import State

Array = np.ndarray[Any, Any]


class Histories:
    """Item places by user, oldest first; the user whose last event is longest ago goes first.

    Parameters
    ----------
    users, length
        Bounds: users, and items of one.
    distinct
        An item stands once, where it was last.
    """

    def __init__(self, users: int, length: int, *, distinct: bool = False) -> None:
        if min(users, length) < 1:
            raise ValueError("users and length must be at least 1")
        self.users, self.length, self.distinct = users, length, distinct
        self._of: dict[Hashable, list[int]] = {}

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._of.values())

    def add(self, user: Hashable, item: int) -> None:
        """A user takes an item."""
        name = plain(user)
        items = self._of.pop(name, [])
        if self.distinct and item in items:
            items.remove(item)
        items.append(item)
        del items[: -self.length]
        self._of[name] = items
        if len(self._of) > self.users:
            del self._of[next(iter(self._of))]

    def of(self, user: Hashable) -> list[int]:
        """A user's items, oldest first; empty for an unknown one."""
        return self._of.get(user, [])

    def state(self) -> State:
        """Users, and their items one after another."""
        lengths = [len(items) for items in self]
        joined = [item for items in self for item in items]
        return {"users": list(self._of), "lengths": np.array(lengths, np.int64), "items": np.array(joined, np.int64)}

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        ends = np.cumsum(state["lengths"]).tolist()
        items = state["items"].tolist()
        starts = [0, *ends[:-1]]
        pieces = (items[a:b] for a, b in zip(starts, ends, strict=False))
        self._of = dict(zip(state["users"], pieces, strict=True))
