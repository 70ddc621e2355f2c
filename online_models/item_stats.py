"""What is counted of an item in one partition: weight, events by type, birth, popularity by half-life."""

from __future__ import annotations

from typing import Any

import numpy as np

from online_models.kernels import HALF_LIVES_MS
from online_models.neighbours import grown

Array = np.ndarray[Any, Any]


def stats_dtype(types: int) -> np.dtype[Any]:
    """Layout of one item's counts; `by_type` has a place for each interaction type."""
    return np.dtype(
        [
            ("count", "<i8"),  # sum of weights, in 1/2520
            ("counted", "<i8"),  # events, each with the share that counted (the cap on one account), in 1/2520
            ("birth", "<i8"),  # event time of the first event, ms; 0: none
            ("last", "<i8"),  # event time of the newest event, ms
            ("popularity_at", "<i8"),  # the event time that `popularity` is decayed to, ms
            ("popularity", "<f8", (len(HALF_LIVES_MS),)),  # choices, decayed with each half-life
            ("ahead_at", "<i8"),  # the same of choices that are ahead of the partition's clock; 0: there are none
            ("ahead", "<f8", (len(HALF_LIVES_MS),)),
            ("by_type", "<u4", (types,)),
        ]
    )


class ItemStats:
    """The counts of every item of a partition, by local index."""

    def __init__(self, types: int, items: int = 1024) -> None:
        self.table = np.zeros(items, stats_dtype(types))

    def reserve(self, items: int) -> None:
        """Make place for items 0 to `items` - 1."""
        if items > len(self.table):
            self.table = grown(self.table, max(items, 2 * len(self.table)))

    def put(self, index: int, data: bytes) -> None:
        """Set one item's counts from its bytes."""
        self.table[index] = np.frombuffer(data, self.table.dtype)[0]

    def clear(self, index: int) -> None:
        """Nothing is counted of an item any more."""
        self.table[index] = np.zeros(1, self.table.dtype)[0]

    def many(self, indexes: Array) -> dict[int, bytes]:
        """The counts of some items as bytes, by index."""
        data, size = self.table[indexes].tobytes(), self.table.itemsize
        return {index: data[at * size : (at + 1) * size] for at, index in enumerate(indexes.tolist())}
