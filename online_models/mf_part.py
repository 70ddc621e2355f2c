"""What River's matrix factorisation adds for items known by index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.base import Floats, Id
from online_models.ids import plain
from online_models.neighbours import grown
from online_models.river_mf import BiasedMF

Array = np.ndarray[Any, Any]
_NOWHERE = -1


@njit(cache=True)
def item_parts(user: Floats, items: Floats, slots: npt.NDArray[np.int64]) -> Floats:
    """An item's bias + the dot product of the vectors, [n]; 0 where there is no row (slot -1).

    What a user gives to every item alike does not tell items apart, so it is no part of this.
    """
    out = np.zeros(len(slots))
    for at in range(len(slots)):
        if slots[at] >= 0:
            row = items[slots[at]]
            total = row[0]
            for factor in range(1, len(user)):
                total += user[factor] * row[factor]
            out[at] = total
    return out


class MfPart:
    """Follows which row of the factorisation belongs to which item index."""

    def __init__(self, mf: BiasedMF) -> None:
        self._mf = mf
        self.start({})

    def start(self, indexes: Mapping[Any, int | None]) -> None:
        """Begin with the rows there are: the index of each of their items, None where it has none."""
        self._slots = np.full(1024, _NOWHERE, np.int64)
        self._indexes = np.full(1024, _NOWHERE, np.int64)
        for name, index in indexes.items():
            if index is not None:
                self.note(index, name)

    def note(self, index: int, item: Id) -> None:
        """The item at `index` has just been learned; whose row it took over, if any, has none now."""
        slot = self._mf.items.slots[plain(item)]
        self._slots, self._indexes = _fitting(self._slots, index), _fitting(self._indexes, slot)
        before = self._indexes[slot]
        if before >= 0 and before != index:
            self._slots[before] = _NOWHERE
        self._indexes[slot], self._slots[index] = index, slot

    def of(self, user: Id, indexes: Array) -> Floats:
        """What the factorisation adds for a user and items, [n]; an unknown user gets the items' biases."""
        known = indexes < len(self._slots)
        slots = np.where(known, self._slots[np.where(known, indexes, 0)], _NOWHERE)
        row = self._mf.users.get(user)
        if row is None:
            row = np.zeros(1 + self._mf.n_factors)
        return np.asarray(item_parts(row, self._mf.items.data, slots))


def _fitting(places: Array, place: int) -> Array:
    if place < len(places):
        return places
    larger = grown(places, 2 * place)
    larger[len(places) :] = _NOWHERE
    return larger
