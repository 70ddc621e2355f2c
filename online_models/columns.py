"""A batch's events as the arrays that the kernel takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from online_models.kernels import CHOSEN, NOTED, NOWHERE, RINGED
from recommender.event_types import EventTypes

Array = np.ndarray[Any, Any]


def treatment(types: EventTypes) -> Array:
    """How the fold treats the events of each type, by code, [types] uint8."""
    special = {"impression": NOWHERE, "hide": NOTED}
    return np.array([special.get(n, CHOSEN if n in types.choices else RINGED) for n in types.names], np.uint8)


class Columns:
    """Rows that wait for the kernel, one list a field, and the clock of the events that they are of.

    Attributes
    ----------
    clock
        [3, events], int64 ms: each event's own time, and the partition's clock and horizon after it.
    events, slots, items, codes
        Of each row which event it is of, the user's slot, the item's local index, the type's code.
    weights
        What it weighs.
    """

    __slots__ = ("clock", "codes", "events", "items", "slots", "weights")

    def __init__(self, clock: Array) -> None:
        self.clock = clock
        self.events: list[int] = []
        self.slots: list[int] = []
        self.items: list[int] = []
        self.codes: list[int] = []
        self.weights: list[float] = []

    def __len__(self) -> int:
        return len(self.weights)

    def clear(self) -> None:
        """They were run."""
        for column in (self.events, self.slots, self.items, self.codes, self.weights):
            column.clear()

    def arrays(self) -> tuple[Array, Array]:
        """The rows, [4, n] int64, and their weights, [n] float64."""
        # One after another: numpy takes numbers in faster from one list than from lists in a list.
        joined = np.array([*self.events, *self.slots, *self.items, *self.codes], np.int64)
        return joined.reshape(4, -1), np.array(self.weights, np.float64)
