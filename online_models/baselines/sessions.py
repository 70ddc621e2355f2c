"""Sessions of the past, and which of them had an item: what neighbours are looked up in.

>>> past = Sessions(sessions=10, length=3, postings=4)
>>> for item in (0, 1): past.add(past.latest if item else past.begin(), item, 1000)
>>> past.items[0].tolist(), past.having(1).tolist()
([0, 1, -1], [0])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from online_models.neighbours import grown
from online_models.state import State

Array = np.ndarray[Any, Any]


class Sessions:
    """The newest sessions by number, in a ring.

    Parameters
    ----------
    sessions, length, postings
        Bounds: sessions, the newest items of one, and the newest sessions that are remembered of an item.

    Attributes
    ----------
    items: places of items by slot, oldest first, then -1: [slots, length].
    lengths, times, numbers: of the session in each slot; its time is that of its newest event, in ms.
    posted, sessions_of: how many sessions an item had, and the numbers of the newest ones, in a ring: [n, postings].
    latest: the number of the newest session, -1 before the first.
    """

    def __init__(self, sessions: int, length: int, postings: int) -> None:
        if min(sessions, length, postings) < 1:
            raise ValueError("sessions, length and postings must be at least 1")
        self.size = sessions
        self.latest = -1
        self.items: Array = np.full((0, length), -1, np.int64)
        self.lengths: Array = np.zeros(0, np.int64)
        self.times: Array = np.zeros(0, np.int64)
        self.numbers: Array = np.zeros(0, np.int64)
        self.posted: Array = np.zeros(0, np.int64)
        self.sessions_of: Array = np.zeros((0, postings), np.int64)

    def begin(self) -> int:
        """Begin a session, in place of the oldest if there are too many; its number."""
        self.latest += 1
        slot = self.latest % self.size
        if slot >= len(self.lengths):
            room = min(self.size, max(256, 2 * slot))
            self.items, self.lengths = grown(self.items, room), grown(self.lengths, room)
            self.times, self.numbers = grown(self.times, room), grown(self.numbers, room)
        self.items[slot], self.lengths[slot], self.times[slot], self.numbers[slot] = -1, 0, 0, self.latest
        return self.latest

    def live(self, number: int) -> bool:
        """Is the session still there?"""
        return 0 <= number <= self.latest < number + self.size

    def add(self, number: int, item: int, time: int) -> None:
        """A live session takes an item at `time`; an item that it has moves to its end."""
        slot = number % self.size
        row, n = self.items[slot], int(self.lengths[slot])
        self.times[slot] = time
        found = np.flatnonzero(row[:n] == item)
        if len(found):
            row[found[0] : n - 1] = row[found[0] + 1 : n].copy()
            row[n - 1] = item
            return
        if n == len(row):
            row[:-1] = row[1:].copy()
            n -= 1
        row[n] = item
        self.lengths[slot] = n + 1
        self._post(item, number)

    def having(self, item: int) -> Array:
        """The numbers of the newest sessions that took an item, in no order; some may be gone."""
        if item >= len(self.posted):
            return np.zeros(0, np.int64)
        return self.sessions_of[item, : self.posted[item]]

    def _post(self, item: int, number: int) -> None:
        if item >= len(self.posted):
            room = max(256, 2 * item)
            self.posted, self.sessions_of = grown(self.posted, room), grown(self.sessions_of, room)
        self.sessions_of[item, self.posted[item] % self.sessions_of.shape[1]] = number
        self.posted[item] += 1

    def state(self) -> State:
        """The sessions and the postings."""
        slots, n = min(self.latest + 1, self.size), len(np.trim_zeros(self.posted, "b"))
        return {
            "latest": self.latest,
            "items": self.items[:slots].copy(),
            "lengths": self.lengths[:slots].copy(),
            "times": self.times[:slots].copy(),
            "numbers": self.numbers[:slots].copy(),
            "posted": self.posted[:n].copy(),
            "sessions_of": self.sessions_of[:n].copy(),
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        self.latest = state["latest"]
        self.items, self.lengths, self.times = state["items"], state["lengths"], state["times"]
        self.numbers, self.posted, self.sessions_of = state["numbers"], state["posted"], state["sessions_of"]
