"""The read-out of the item-item counts: what a user's ring says of every item it touches.

    A_j = (c_j + 1)^-1/2 * sum over the ring's items h_d of fade^d * (C[h_d, j] + 2 T[h_d, j]) * (c_h + 1)^-1/2

with d = 0 for the newest item, C the pair counts and T the ordered ones (`kernels.py`), c the items' own weights. How
fast a history fades differs from stream to stream, so the same sum is read out for several: all of the ring, its last
items, those of the session under way, and the very last one.

>>> covisits = Covisits()
>>> entries = np.array([[1, 2520, 2520], [2, 2520, 0]], np.int32)  # the row of item 0: items 1 and 2
>>> covisits.read(np.array([0]), np.zeros(3), np.array([0, 0, 0]), np.array([2, 0, 0]), entries)
array([1, 2])
>>> covisits.table[[1, 2], :4].tolist()  # C part, T part, and the same with the last items only
[[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0]]
>>> covisits.clear()
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.kernels import RING, SCALE
from online_models.neighbours import grown

Array = np.ndarray[Any, Any]
Floats = npt.NDArray[np.float64]

PAIRS, ORDER, LAST_PAIRS, LAST_ORDER, SESSION, ONE_PAIRS, ONE_ORDER = range(7)
READINGS: Final = 7
"""Columns of a read-out: C and T part of the whole ring; of its last items; C + 2 T of the session's items; C and T
part of the newest item."""
SESSION_FADE: Final = 0.8
VOTES: Final = 30
"""Of so many of the newest items a blend takes votes: with a fade of .9 the ones before them have 4 % of the voice, and
40 % of the work."""


@njit(cache=True)
def _read(
    ring: Array,
    counts: Array,
    unit: float,
    offset: Array,
    length: Array,
    entries: Array,
    fade: float,
    last_fade: float,
    last: int,
    session: int,
    most: int,
    table: Floats,
    mark: Array,
    touched: Array,
) -> int:
    found = 0
    share = last_share = session_share = 1.0 / SCALE
    for d in range(min(len(ring), most)):
        h = ring[d]
        norm = 1.0 / np.sqrt(max(counts[h] / unit, 0.0) + 1.0)
        start, end = offset[h], offset[h] + length[h]
        whole = share * norm
        for k in range(start, end):
            j = entries[k, 0]
            if mark[j] == 0:
                mark[j] = 1
                touched[found] = j
                found += 1
            table[j, PAIRS] += whole * entries[k, 1]
            table[j, ORDER] += whole * entries[k, 2]
        if d < last:
            newest = last_share * norm
            for k in range(start, end):
                table[entries[k, 0], LAST_PAIRS] += newest * entries[k, 1]
                table[entries[k, 0], LAST_ORDER] += newest * entries[k, 2]
        if d < session:
            lately = session_share * norm
            for k in range(start, end):
                table[entries[k, 0], SESSION] += lately * (entries[k, 1] + 2.0 * entries[k, 2])
        if d == 0:
            for k in range(start, end):
                table[entries[k, 0], ONE_PAIRS] += whole * entries[k, 1]
                table[entries[k, 0], ONE_ORDER] += whole * entries[k, 2]
        share *= fade
        last_share *= last_fade
        session_share *= SESSION_FADE
    for k in range(found):
        j = touched[k]
        norm = 1.0 / np.sqrt(max(counts[j] / unit, 0.0) + 1.0)
        for part in range(READINGS):
            table[j, part] *= norm
    return found


class Covisits:
    """A work table for read-outs. `clear` it before the next `read`; one thread at a time.

    Parameters
    ----------
    fade
        How much less each older item of the ring counts.
    last_fade, last
        The same for the second read-out, from the `last` newest items only.
    most
        How many of the newest items are read at all.
    """

    def __init__(self, fade: float = 0.9, last_fade: float = 0.4, last: int = 3, most: int = RING) -> None:
        self.fade, self.last_fade, self.last, self.most = fade, last_fade, last, most
        self.table: Floats = np.zeros((1024, READINGS))
        """The read-outs by item index; valid between `read` and `clear`."""
        self._mark = np.zeros(1024, np.uint8)
        self._touched = np.zeros(1024, np.int64)
        self._found = 0

    def read(
        self,
        ring: Array,
        counts: Array,
        offset: Array,
        length: Array,
        entries: Array,
        session: int = 0,
        unit: float = 1.0,
    ) -> Array:
        """Fill `table`.

        Parameters
        ----------
        ring
            The user's item indexes, newest first, [m].
        counts
            The items' own weights c, [items], in units of 1 / `unit`.
        offset, length, entries
            Neighbour rows, as in `NeighbourRows`: row h is entries[offset[h] : offset[h] + length[h]], each entry
            (item, C, T) in fixed-point units.
        session
            How many of the newest belong to the session under way.

        Returns
        -------
        The indexes of the items that got a value, [touched], in the order of the rows.
        """
        if len(counts) > len(self.table):
            size = 2 * len(counts)
            self.table, self._mark = grown(self.table, size), grown(self._mark, size)
            self._touched = grown(self._touched, size)
        self._found = int(
            _read(
                ring, counts, unit, offset, length, entries, self.fade, self.last_fade, self.last, session, self.most,
                self.table, self._mark, self._touched,
            )
        )  # fmt: skip
        return self._touched[: self._found].copy()

    def clear(self) -> None:
        """Set what `read` filled back to zero."""
        touched = self._touched[: self._found]
        self.table[touched] = 0.0
        self._mark[touched] = 0
        self._found = 0
