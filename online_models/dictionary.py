"""Item ids of one partition, numbered in the order in which its log first names them.

An item that gave its place up is dead: its index names nothing, and is not given again while rings and rows may hold
it, until all are given anew (`renumbering`). If its id comes back it gets a new index.

>>> dictionary = Dictionary(["a", "b"]); dictionary.drop(0)
>>> dictionary.live, dictionary.number("a"), dictionary.names
(1, 2, ['', 'b', 'a'])
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from online_models.neighbours import grown


class Dictionary:
    """id -> index and back ("" where dead), with a hash of each id that settles ties independent of order.

    The hash of a dead item is 0, and of no other.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: list[str] = []
        self.index: dict[str, int] = {}
        self.tie: np.ndarray[Any, Any] = np.zeros(1024, np.uint64)
        for name in names:
            if name:
                self.number(name)
            else:
                self._append("", 0)

    def number(self, name: str) -> int:
        """The index of an id, a new one if it has none."""
        index = self.index.get(name)
        if index is not None:
            return index
        index = self.index[name] = len(self.names)
        tie = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
        self._append(name, tie or 1)
        return index

    def drop(self, index: int) -> None:
        """An item gives its place up."""
        del self.index[self.names[index]]
        self.names[index] = ""
        self.tie[index] = 0

    @property
    def live(self) -> int:
        """How many items have a place."""
        return len(self.index)

    def _append(self, name: str, tie: int) -> None:
        index = len(self.names)
        self.names.append(name)
        if index == len(self.tie):
            self.tie = grown(self.tie, 2 * index)
        self.tie[index] = tie

    def __len__(self) -> int:
        return len(self.names)
