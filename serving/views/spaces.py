"""Item vectors by space: one index that answers, and the next one while a new encoder's vectors come in.

>>> spaces = Spaces(); spaces.put("a", ItemVector(check_vector([1.0, 0.0]), "m", "s1"))
True
>>> spaces.space, len(spaces.index or ())
('s1', 1)
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from embedding_worker.index import ItemIndex
from embedding_worker.snapshot import Snapshot
from recommender.vectors import BadVectorError, ItemVector, check_vector

ENOUGH: Final = 0.99
"""The next index takes over once it holds this share of what the current one holds."""
OFFSETS: Final = 3
"""The newest offsets are remembered, so many times as many as an index holds items: there may be two."""


class Spaces:
    """The index in use and, during a change of encoder, the one that will replace it."""

    def __init__(self, max_items: int = 200_000) -> None:
        self.index: ItemIndex | None = None
        self.space = ""
        self.model = ""
        self.next_index: ItemIndex | None = None
        self.next_space = self.next_model = ""
        self._max_items = max_items
        self._offsets: OrderedDict[tuple[str, str], int] = OrderedDict()

    def fill(self, snapshot: Snapshot) -> None:
        """Begin with a snapshot."""
        sidecar = snapshot.sidecar
        index = ItemIndex(sidecar.dim, self._max_items)
        snapshot.fill(index)
        self.index, self.space, self.model = index, sidecar.space, sidecar.model

    def put(self, item_id: str, vector: ItemVector) -> bool:
        """Take a vector in; False if it is older than the one that is there. Raises `BadVectorError`."""
        key = (vector.space, item_id)
        if vector.offset < self._offsets.get(key, -1):
            return False
        self._of(vector).put(item_id, check_vector(vector.vector))
        if vector.offset >= 0:
            self._offsets[key] = vector.offset
            self._offsets.move_to_end(key)
            if len(self._offsets) > OFFSETS * self._max_items:  # an index lets the oldest go by itself
                self._offsets.popitem(last=False)
        self._swap()
        return True

    def remove(self, item_id: str) -> None:
        """The item has no vector any more, in no space."""
        for index, space in ((self.index, self.space), (self.next_index, self.next_space)):
            if index is not None:
                index.remove(item_id)
                self._offsets.pop((space, item_id), None)
        self._swap()

    def clear(self) -> None:
        """Forget everything: the log was made anew."""
        self.index = self.next_index = None
        self.space = self.next_space = self.model = self.next_model = ""
        self._offsets.clear()

    def _of(self, vector: ItemVector) -> ItemIndex:
        if self.index is None:
            self.index = ItemIndex(vector.vector.size, self._max_items)
            self.space, self.model = vector.space, vector.model
        if vector.space == self.space:
            return self.index
        if self.next_index is None or self.next_space != vector.space:
            self.next_index = ItemIndex(vector.vector.size, self._max_items)
            self.next_space, self.next_model = vector.space, vector.model
        if self.next_index.dim != vector.vector.size:
            raise BadVectorError(f"{vector.vector.size} numbers, the space has {self.next_index.dim}")
        return self.next_index

    def _swap(self) -> None:
        if self.index is None or self.next_index is None or len(self.next_index) < ENOUGH * len(self.index):
            return
        old = self.space
        self.index, self.space, self.model = self.next_index, self.next_space, self.next_model
        self.next_index, self.next_space, self.next_model = None, "", ""
        self._offsets = OrderedDict((key, offset) for key, offset in self._offsets.items() if key[0] != old)
