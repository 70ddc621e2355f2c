"""What an evaluation knows of the events so far: who has had what, and how popular each item is.

>>> past = Past()
>>> for item in "aab": past.add("u1", item)
>>> past.popularity(["a", "b"]), past.novelty(["new"]), past.own("u1") == {"a", "b"}
(0.5, 2.321928094887362, True)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Hashable, Sequence

import numpy as np

Id = Hashable

COLD_ITEM_EVENTS = 5
COLD_USER_EVENTS = 2


class Past:
    """Counts of events by item and by user, and each user's own items."""

    def __init__(self) -> None:
        self.items: Counter[Id] = Counter()
        self.events = 0
        self._users: Counter[Id] = Counter()
        self._own: dict[Id, set[Id]] = {}
        self._having = np.zeros(64, np.int64)  # how many items have so many events; [0] stays 0

    def add(self, user: Id, item: Id) -> None:
        """Count an event."""
        before = self.items[item]
        self.items[item] = before + 1
        self._users[user] += 1
        self._own.setdefault(user, set()).add(item)
        self.events += 1
        if before + 1 == len(self._having):
            self._having = np.concatenate((self._having, np.zeros_like(self._having)))
        if before:
            self._having[before] -= 1
        self._having[before + 1] += 1

    def own(self, user: Id) -> Collection[Id]:
        """The items that the user had an event on."""
        return self._own.get(user, ())

    def cold_item(self, item: Id) -> bool:
        """Has the item had at most 5 events?"""
        return self.items.get(item, 0) <= COLD_ITEM_EVENTS

    def cold_user(self, user: Id) -> bool:
        """Has the user had at most 2 events?"""
        return self._users.get(user, 0) <= COLD_USER_EVENTS

    def novelty(self, items: Sequence[Id]) -> float | None:
        """Mean self-information of a list in bits; None for an empty one.

        -log2 p of an item with c of the n events on m items, p = (c + 1) / (n + m): one more event than it had, so
        that an item without events has one too. Zhou et al., "Solving the apparent diversity-accuracy dilemma of
        recommender systems" (2010).
        """
        if not items:
            return None
        total = math.log2(max(1, self.events + len(self.items)))
        return total - sum(math.log2(self.items.get(item, 0) + 1) for item in items) / len(items)

    def popularity(self, items: Sequence[Id]) -> float | None:
        """Mean percentile of a list's items by their events so far, 0 to 1; None for an empty one.

        The share of items with fewer events, and half of those with as many. Chance gives a half.
        """
        if not items:
            return None
        if not self.items:
            return 0.0
        up_to = np.cumsum(self._having)
        counts = np.array([self.items.get(item, 0) for item in items])
        places = np.where(counts > 0, up_to[counts] - self._having[counts] / 2.0, 0.0)
        return float(places.mean()) / len(self.items)
