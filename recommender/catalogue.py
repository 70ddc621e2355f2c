"""What is announced: the live items by number, with the masks that filters need.

>>> catalogue = Catalogue(Numbering())
>>> number = catalogue.put(Item(item_id="i9", timestamp=5, title="Alien (1979)", categories=["Horror"]))
>>> catalogue.mask(Filters(category="Horror"), now_ms=10).tolist(), catalogue.title(number)
([True], 'Alien (1979)')
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from recommender.events import Item
from recommender.numbering import Array, Numbering, best, fitted
from recommender.query import Filters
from recommender.top_items import TopItems

NEVER: Final = 2**62
DAY_MS: Final = 86_400_000


class Catalogue:
    """Live items and what rules ask of them.

    `closed` says whether any item was ever announced: if so, only announced items are recommended. In a log of
    interactions alone every item that was used can be. `changes` counts what was put and removed.
    """

    def __init__(self, numbering: Numbering) -> None:
        self.numbering = numbering
        self.items: dict[int, Item] = {}
        self.closed = False
        self.changes = 0
        self._live: Array = np.zeros(1024, np.bool_)
        self._available: Array = np.zeros(1024, np.bool_)
        self._expires: Array = np.full(1024, NEVER, np.int64)
        self._announced: Array = np.zeros(1024, np.int64)
        self._newest = TopItems(self._times)
        self._members: dict[tuple[str, str], set[int]] = {}
        self._places: dict[tuple[str, str], Array] = {}

    def __len__(self) -> int:
        return len(self.items)

    def put(self, item: Item) -> int:
        """Take an item in, or its newer form; returns its number."""
        number = self.numbering.number(item.item_id)
        self._drop_labels(number)
        self._reserve()
        self.closed = True
        self.items[number] = item
        self._live[number] = True
        self._available[number] = item.available
        self._expires[number] = item.expires_at or NEVER
        self._announced[number] = item.timestamp
        self._changed(number)
        for label in _labels(item):
            self._members.setdefault(label, set()).add(number)
            self._places.pop(label, None)
        return number

    def remove(self, item_id: str) -> None:
        """The item is gone; its number stays while its clicks are counted (see `recommender.leaving`)."""
        number = self.numbering.find(item_id)
        if number is None or number not in self.items:
            return
        self._drop_labels(number)
        del self.items[number]
        self._live[number] = self._available[number] = False
        self._expires[number] = NEVER
        self._announced[number] = 0
        self._changed(number)

    def get(self, item_id: str) -> Item | None:
        """The live item, or None."""
        number = self.numbering.find(item_id)
        return None if number is None else self.items.get(number)

    def title(self, number: int) -> str | None:
        """The item's title, if it is announced and has one."""
        item = self.items.get(number)
        return item.title if item else None

    def available(self) -> Array:
        """Which items may be recommended at all, [items]."""
        self._reserve()
        size = len(self.numbering)
        return self._live[:size] & self._available[:size] if self.closed else self.numbering.used.copy()

    def live(self) -> Array:
        """Which items are announced, [items]."""
        self._reserve()
        return self._live[: len(self.numbering)]

    def expired(self, now_ms: int) -> Array:
        """Which items are past their `expires_at`, [items]."""
        self._reserve()
        return np.asarray(self._expires[: len(self.numbering)] <= now_ms)

    def expirations(self) -> Array:
        """Until when items may be recommended, ms, [items]; `NEVER` for those without an end."""
        self._reserve()
        return self._expires[: len(self.numbering)]

    def announcements(self) -> Array:
        """When items were announced, event time in ms, [items]; 0 for those that were not."""
        self._reserve()
        return self._announced[: len(self.numbering)]

    def mask(self, filters: Filters, now_ms: int) -> Array:
        """Which items pass the filters, [items]."""
        self._reserve()
        size = len(self.numbering)
        passed = np.ones(size, np.bool_)
        for kind in ("category", "domain", "language"):
            value = getattr(filters, kind)
            if value is not None:
                having = np.zeros(size, np.bool_)
                having[self._having((kind, value))] = True
                passed &= having
        if filters.max_age_s is not None:
            passed &= self._live[:size] & (self._announced[:size] >= now_ms - 1000 * filters.max_age_s)
        return passed

    def newest(self, allowed: Array, k: int, now_ms: int) -> Array:
        """Numbers of the `k` newest announced items that are allowed; a time in the future counts as long ago."""
        self._reserve()
        tie = self.numbering.tie
        order = self._newest.order(tie)
        order = order[self._announced[order] <= now_ms + DAY_MS]
        found = order[allowed[order]][:k]
        if len(found) == k or not self.items:
            return np.asarray(found)
        numbers = np.flatnonzero(allowed & self._live[: len(allowed)])
        announced = self._times(numbers)
        announced[announced > now_ms + DAY_MS] = 0.0
        return np.asarray(numbers[best(announced, tie[numbers], k)])

    def having(self, kind: str, value: str) -> Array:
        """Numbers of the items with this category, domain or language."""
        self._reserve()
        return self._having((kind, value))

    def figures(self) -> dict[str, Any]:
        """Sizes for the status."""
        return {"items": len(self.items), "known_items": self.numbering.known}

    def _having(self, label: tuple[str, str]) -> Array:
        places = self._places.get(label)
        if places is None:
            members = self._members.get(label, set())
            places = np.fromiter(members, np.int64, len(members))
            if members:
                # Only labels that exist are remembered: a question for others must not cost memory.
                self._places[label] = places
        return places

    def _changed(self, number: int) -> None:
        self.changes += 1
        self._newest.note(np.array([number]))

    def _times(self, numbers: Array) -> Array:
        """When items were announced, as `TopItems` compares them."""
        return np.asarray(self._announced[numbers].astype(np.float64))

    def _drop_labels(self, number: int) -> None:
        old = self.items.get(number)
        for label in _labels(old) if old else ():
            members = self._members[label]
            members.discard(number)
            self._places.pop(label, None)
            if not members:
                del self._members[label]

    def _reserve(self) -> None:
        size = len(self.numbering)
        self._live = fitted(self._live, size)
        self._available = fitted(self._available, size)
        self._expires = fitted(self._expires, size, NEVER)
        self._announced = fitted(self._announced, size)


def _labels(item: Item) -> set[tuple[str, str]]:
    labels = {("category", category) for category in item.categories}
    if item.domain is not None:
        labels.add(("domain", item.domain))
    if item.language is not None:
        labels.add(("language", item.language))
    return labels
