"""Items by dense number, as a reader's arrays need them.

>>> numbering = Numbering(); numbering.number("i9"); numbering.find("i9"), numbering.find("i3")
0
(0, None)
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import Any, overload

import numpy as np

Array = np.ndarray[Any, Any]


class Numbering:
    """id <-> number, in the order in which a reader met them; only what is stored gets a number, never a question.

    The number of an item that is gone is retired: nothing leads to it any more. Once every question has ended that
    began before and may hold it, it is given to another item. Until then it keeps its id.

    Attributes
    ----------
    ids
        By number; of a number that was retired the last one.
    given
        How many numbers were given, those that were given again too.
    turns
        How often numbers were retired, or became free to be given again: who keeps something by number begins anew.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.given = 0
        self.turns = 0
        self._number: dict[str, int] = {}
        self._tie: Array = np.zeros(1024, np.uint64)
        self._used: Array = np.zeros(1024, np.bool_)
        self._free: list[int] = []
        # Retired numbers with the turn in which they were, and how many questions are under way by the turn they began.
        self._resting: deque[tuple[int, Array]] = deque()
        self._under_way: Counter[int] = Counter()

    def __len__(self) -> int:
        """How many places by number there are."""
        return len(self.ids)

    @property
    def known(self) -> int:
        """How many items have a number."""
        return len(self._number)

    @property
    def used(self) -> Array:
        """Which numbers are an item's, and not retired, [items]; not to be written to."""
        return self._used[: len(self.ids)]

    @property
    def tie(self) -> Array:
        """A hash of each item's id, uint64 [items]: what settles ties, so that no order of arrival shows in a list."""
        return self._tie[: len(self.ids)]

    def number(self, item_id: str) -> int:
        """The item's number, a new one if it has none."""
        found = self._number.get(item_id)
        if found is not None:
            return found
        if self._free:
            number = self._free.pop()
            self.ids[number] = item_id
        else:
            number = len(self.ids)
            self.ids.append(item_id)
            self._tie, self._used = fitted(self._tie, number + 1), fitted(self._used, number + 1)
        self._number[item_id] = number
        self._used[number] = True
        self.given += 1
        self._tie[number] = int.from_bytes(hashlib.blake2b(item_id.encode(), digest_size=8).digest(), "little")
        return number

    def find(self, item_id: str) -> int | None:
        """The item's number, or None; asking leaves no trace."""
        return self._number.get(item_id)

    def found(self, item_ids: Iterable[str]) -> list[int]:
        """Numbers of those ids that have one."""
        return [number for number in map(self._number.get, item_ids) if number is not None]

    def numbers(self, item_ids: Sequence[str]) -> Array:
        """The numbers of ids, [n], -1 for those that have none."""
        return np.fromiter(map(self._number.get, item_ids, repeat(-1)), np.int64, len(item_ids))

    @contextmanager
    def question(self) -> Iterator[None]:
        """A question is under way: until it ends, no number that it may hold is given to another item."""
        began = self.turns
        self._under_way[began] += 1
        try:
            yield
        finally:
            self._under_way[began] -= 1
            if not self._under_way[began]:
                del self._under_way[began]

    def retire(self, numbers: Array) -> bool:
        """The items of these numbers are gone: their ids find nothing any more.

        What was retired before and no question under way can hold is free from now on. True if anything changed.
        """
        oldest = min(self._under_way, default=self.turns)
        before = len(self._free)
        while self._resting and self._resting[0][0] <= oldest:
            self._free += self._resting.popleft()[1].tolist()
        if not len(numbers) and len(self._free) == before:
            return False
        self.turns += 1
        if len(numbers):
            for number in numbers.tolist():
                del self._number[self.ids[number]]
            self._used[numbers] = False
            self._resting.append((self.turns, numbers))
        return True


class Names(Sequence[str]):
    """The ids of items by number, each looked up when it is asked for: most candidates never are."""

    def __init__(self, numbering: Numbering, numbers: Array) -> None:
        self.numbering = numbering
        self.numbers = numbers
        self._ids = numbering.ids

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self._ids[number] for number in self.numbers[place].tolist()]
        return self._ids[int(self.numbers[place])]

    def __iter__(self) -> Iterator[str]:
        return map(self._ids.__getitem__, self.numbers.tolist())


def fitted(array: Array, size: int, fill: int = 0) -> Array:
    """`array`, at least `size` long: lengthened by doubling, new places hold `fill`."""
    if size <= len(array):
        return array
    out = np.full((max(size, 2 * len(array)), *array.shape[1:]), fill, array.dtype)
    out[: len(array)] = array
    return out


def best(values: Array, tie: Array, k: int) -> Array:
    """Places of the `k` largest of `values` [n], best first; ties by `tie`; -inf is never taken.

    >>> best(np.array([1.0, 3.0, 3.0, -np.inf]), np.array([0, 9, 2, 0]), 3).tolist()
    [2, 1, 0]
    """
    places = np.flatnonzero(values > -np.inf)
    if len(places) > k:
        taken = values[places]
        # Everything as good as the last one stays in until ties are settled.
        floor = np.partition(taken, len(taken) - k)[len(taken) - k] if k else np.inf
        places = places[taken >= floor]
    order = np.lexsort((tie[places], -values[places]))
    return np.asarray(places[order[:k]])
