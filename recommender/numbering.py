"""Items by dense number, as a reader's arrays need them.

>>> numbering = Numbering(); numbering.number("i9"); numbering.find("i9"), numbering.find("i3")
0
(0, None)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

Array = np.ndarray[Any, Any]


class Numbering:
    """id <-> number, in the order in which a reader met them; only what is stored gets a number, never a question.

    `tie` has a hash of each id: what settles ties, so that the order of arrival does not show in a list.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._number: dict[str, int] = {}
        self._tie: Array = np.zeros(1024, np.uint64)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def tie(self) -> Array:
        """A hash of each item's id, uint64 [items]."""
        return self._tie[: len(self.ids)]

    def number(self, item_id: str) -> int:
        """The item's number, a new one if it has none."""
        found = self._number.get(item_id)
        if found is not None:
            return found
        number = len(self.ids)
        self._number[item_id] = number
        self.ids.append(item_id)
        self._tie = fitted(self._tie, number + 1)
        self._tie[number] = int.from_bytes(hashlib.blake2b(item_id.encode(), digest_size=8).digest(), "little")
        return number

    def find(self, item_id: str) -> int | None:
        """The item's number, or None; asking leaves no trace."""
        return self._number.get(item_id)

    def found(self, item_ids: Iterable[str]) -> list[int]:
        """Numbers of those ids that have one."""
        return [number for number in map(self._number.get, item_ids) if number is not None]


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
