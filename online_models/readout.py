"""The item-item read-out for readers: rows that come from several partitions, and what each ring item adds.

The scores are `Covisits`' (same formula, same bits); here the rows lie in pieces, one list for each ring item, and an
entry may come in several pieces, which the read-out sums by itself because it is linear in C and T.

>>> readout = Readout()
>>> found = readout.read([0], [np.array([[1, 2520, 0], [1, 2520, 2520]], np.int32)], np.zeros(2))
>>> found.numbers.tolist(), found.values[:, :4].tolist()
([1], [[2.0, 1.0, 2.0, 1.0]])
>>> shares([0], [np.array([[1, 2520, 0]], np.int32)], np.zeros(2), np.array([1]))[0].tolist()
[[1.0]]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.covisits import ORDER, PAIRS, READINGS, VOTES, Covisits
from online_models.kernels import SCALE
from online_models.neighbours import grown

Array = np.ndarray[Any, Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """Items that a ring points at, [m], and their read-outs, [m, READINGS] (columns as in `covisits`)."""

    numbers: Array
    values: Floats

    @property
    def scores(self) -> Floats:
        """A = C part + 2 T part, [m]."""
        return np.asarray(self.values[:, PAIRS] + 2.0 * self.values[:, ORDER])


class Readout:
    """Reads rings out; keeps its work tables between calls. One thread at a time."""

    def __init__(self, fade: float = 0.9, last_fade: float = 0.4, last: int = 3) -> None:
        self._covisits = Covisits(fade, last_fade, last, VOTES)
        self._offset = np.zeros(1024, np.int64)
        self._length = np.zeros(1024, np.int64)

    def read(self, ring: Sequence[int], rows: Sequence[Array], counts: Floats, session: int = 0) -> Found:
        """The read-out of a ring.

        Parameters
        ----------
        ring
            Item numbers, newest first; one may be there several times.
        rows
            The row of each ring item, [m, 3] int32 (item, C, T).
        counts
            The weight of every item, [items].
        session
            How many of the newest belong to the session under way.
        """
        if not len(ring):
            return Found(np.zeros(0, np.int64), np.zeros((0, READINGS)))
        if len(counts) > len(self._offset):
            self._offset, self._length = grown(self._offset, 2 * len(counts)), grown(self._length, 2 * len(counts))
        at = 0
        for number, row in zip(ring, rows, strict=True):
            self._offset[number], self._length[number] = at, len(row)
            at += len(row)
        numbers = self._covisits.read(
            np.asarray(ring, np.int64), counts, self._offset, self._length, np.concatenate(rows), session
        )
        found = Found(numbers, self._covisits.table[numbers])
        self._covisits.clear()
        return found


@njit(cache=True)
def _shares(
    wanted: Array,
    ring: Array,
    starts: Array,
    entries: Array,
    counts: Floats,
    fade: float,
    pairs: Floats,
    order: Floats,
) -> None:
    gain = 1.0 / SCALE
    for d in range(len(ring)):
        norm = gain / np.sqrt(max(counts[ring[d]], 0.0) + 1.0)
        for k in range(starts[d], starts[d + 1]):
            for place in range(len(wanted)):
                if entries[k, 0] == wanted[place]:
                    own = 1.0 / np.sqrt(max(counts[wanted[place]], 0.0) + 1.0)
                    pairs[place, d] += norm * own * entries[k, 1]
                    order[place, d] += norm * own * entries[k, 2]
        gain *= fade


def shares(
    ring: Sequence[int], rows: Sequence[Array], counts: Floats, wanted: Array, fade: float = 0.9
) -> tuple[Floats, Floats]:
    """What each ring item adds to the C part and the T part of some items: two arrays [wanted, ring]."""
    pairs, order = np.zeros((len(wanted), len(ring))), np.zeros((len(wanted), len(ring)))
    if len(ring) and len(wanted):
        starts = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
        _shares(
            np.asarray(wanted, np.int64), np.asarray(ring, np.int64), starts, np.concatenate(rows), counts, fade,
            pairs, order,
        )  # fmt: skip
    return pairs, order
