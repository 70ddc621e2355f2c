"""The item-item read-out for readers: rows that come from several partitions, and what each ring item adds.

The scores are `Covisits`' (same formula, same bits); here the rows lie in pieces, one list for each ring item, and an
entry may come in several pieces, which the read-out sums by itself because it is linear in C and T. What candidates are
found by is summed for all that the ring points at, the other readings only for those that became candidates.

>>> readout = Readout()
>>> found = readout.read([0], [np.array([[1, 2520, 0], [1, 2520, 2520]], np.int32)], np.zeros(2))
>>> readings = np.zeros((1, 7))
>>> found.read_into(np.array([1]), readings)
>>> found.numbers.tolist(), found.scores.tolist(), readings[:, :4].tolist()
([1], [4.0], [[2.0, 1.0, 2.0, 1.0]])
>>> shares([0], [np.array([[1, 2520, 0]], np.int32)], np.zeros(2), np.array([1]))[0].tolist()
[[1.0]]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.covisits import (
    LAST_ORDER,
    LAST_PAIRS,
    ONE_ORDER,
    ONE_PAIRS,
    ORDER,
    PAIRS,
    SESSION,
    SESSION_FADE,
    VOTES,
)
from online_models.kernels import SCALE

Array = np.ndarray[Any, Any]
Floats = npt.NDArray[np.float64]

_NO_ENTRIES: Final = np.zeros((0, 3), np.int32)


@njit(cache=True)
def _sum(
    ring: Array, starts: Array, entries: Array, counts: Floats, fade: float, before: int, mark: Array, touched: Array,
    sums: Floats, scores: Floats,
) -> int:  # fmt: skip
    """C and T parts of all that a ring points at, and A of each, in the order of the rows; how many there are.

    The `before` items of the ring before are wiped first. Indexes are unsigned, since Numba checks others for being
    negative, which takes a third of the time.
    """
    for k in range(before):
        j = np.uint64(touched[k])
        mark[j] = 0
        sums[j, PAIRS] = sums[j, ORDER] = 0.0
    found = np.uint64(0)
    share = 1.0 / SCALE
    for d in range(len(ring)):
        whole = share * (1.0 / np.sqrt(max(counts[ring[d]], 0.0) + 1.0))
        for k in range(np.uint64(starts[d]), np.uint64(starts[d + 1])):
            j = np.uint64(np.uint32(entries[k, 0]))
            # Written in any case, and over again if it was there: cheaper than a branch that is hard to foretell.
            touched[found] = j
            found += np.uint64(1 - mark[j])
            mark[j] = 1
            sums[j, PAIRS] += whole * entries[k, 1]
            sums[j, ORDER] += whole * entries[k, 2]
        share *= fade
    for k in range(found):
        j = np.uint64(touched[k])
        norm = 1.0 / np.sqrt(max(counts[j], 0.0) + 1.0)
        sums[j, PAIRS] *= norm
        sums[j, ORDER] *= norm
        scores[k] = sums[j, PAIRS] + 2.0 * sums[j, ORDER]
    return int(found)


@njit(cache=True)
def _readings(
    numbers: Array, ring: Array, starts: Array, entries: Array, counts: Floats, last_fade: float, last: int,
    session: int, sums: Floats, place: Array, out: Floats,
) -> None:  # fmt: skip
    """Add all readings of some distinct items to `out`; `place` is left as it was, all 0."""
    for at in range(len(numbers)):
        place[numbers[at]] = at + 1
        out[at, PAIRS], out[at, ORDER] = sums[numbers[at], PAIRS], sums[numbers[at], ORDER]
    share = last_share = session_share = 1.0 / SCALE
    for d in range(min(len(ring), max(last, session, 1))):
        norm = 1.0 / np.sqrt(max(counts[ring[d]], 0.0) + 1.0)
        whole, newest, lately = share * norm, last_share * norm, session_share * norm
        for k in range(starts[d], starts[d + 1]):
            at = place[np.uint64(np.uint32(entries[k, 0]))] - 1
            if at < 0:
                continue
            row, pairs, order = out[at], entries[k, 1], entries[k, 2]
            if d < last:
                row[LAST_PAIRS] += newest * pairs
                row[LAST_ORDER] += newest * order
            if d < session:
                row[SESSION] += lately * (pairs + 2.0 * order)
            if d == 0:
                row[ONE_PAIRS] += whole * pairs
                row[ONE_ORDER] += whole * order
        last_share *= last_fade
        session_share *= SESSION_FADE
    for at in range(len(numbers)):
        place[numbers[at]] = 0
        norm = 1.0 / np.sqrt(max(counts[numbers[at]], 0.0) + 1.0)
        for part in (LAST_PAIRS, LAST_ORDER, SESSION, ONE_PAIRS, ONE_ORDER):
            out[at, part] *= norm


@njit(cache=True)
def _leaves(k: int, other: int, numbers: Array, scores: Floats, tie: Array) -> bool:
    """Does the item at one place leave before that at another?"""
    if scores[k] != scores[other]:
        return bool(scores[k] < scores[other])
    return bool(tie[numbers[k]] > tie[numbers[other]])


@njit(cache=True)
def _leading(numbers: Array, scores: Floats, allowed: Array, tie: Array, most: int) -> Array:
    """The `most` allowed items with the largest scores above 0, in no order; ties by `tie`.

    They are kept as a heap whose root is the first to leave.
    """
    kept = np.empty(most, np.int64)
    n = 0
    for k in range(len(numbers)):
        if scores[k] <= 0.0 or (n == most and scores[k] < scores[kept[0]]) or not allowed[numbers[k]]:
            continue
        if n < most:
            place = n
            n += 1
            while place > 0 and _leaves(k, kept[(place - 1) // 2], numbers, scores, tie):
                kept[place] = kept[(place - 1) // 2]
                place = (place - 1) // 2
            kept[place] = k
        elif _leaves(kept[0], k, numbers, scores, tie):
            place = 0
            while True:
                child = 2 * place + 1
                if child + 1 < n and _leaves(kept[child + 1], kept[child], numbers, scores, tie):
                    child += 1
                if child >= n or not _leaves(kept[child], k, numbers, scores, tie):
                    break
                kept[place] = kept[child]
                place = child
            kept[place] = k
    return numbers[kept[:n]]


@dataclass(frozen=True, slots=True)
class Found:
    """Items that a ring points at, [m], and their scores A = C part + 2 T part; good until the next `read`.

    read_into: puts the read-outs of some distinct items [n] into the first columns of a table of zeros (as in
    `covisits`).
    """

    numbers: Array
    scores: Floats
    read_into: Callable[[Array, Floats], None]

    def leading(self, allowed: Array, tie: Array, most: int) -> Array:
        """Numbers of the `most` allowed items with the largest scores above 0, in no order; ties by `tie`."""
        return np.asarray(_leading(self.numbers, self.scores, allowed, tie, most))


class Readout:
    """Reads rings out; keeps its work tables between calls. One thread at a time."""

    def __init__(self, fade: float = 0.9, last_fade: float = 0.4, last: int = 3) -> None:
        self._fade, self._last_fade, self._last = fade, last_fade, last
        self._found = 0
        self._reserve(1024)

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
        if len(counts) > len(self._mark):
            self._reserve(2 * len(counts))
        rows = rows[:VOTES]
        entries = np.concatenate([_NO_ENTRIES, *rows])
        starts = np.cumsum([0, *map(len, rows)])
        voters = np.array(ring[:VOTES], np.int64)
        self._found = _sum(
            voters, starts, entries, counts, self._fade, self._found, self._mark, self._touched, self._sums,
            self._scores,
        )  # fmt: skip

        def read_into(numbers: Array, out: Floats) -> None:
            _readings(
                numbers, voters, starts, entries, counts, self._last_fade, self._last, session, self._sums,
                self._place, out,
            )  # fmt: skip

        return Found(self._touched[: self._found], self._scores[: self._found], read_into)

    def _reserve(self, items: int) -> None:
        self._sums: Floats = np.zeros((items, 2))
        self._mark, self._place = np.zeros(items, np.uint8), np.zeros(items, np.int32)
        # One place more than there are items: see `_sum`.
        self._touched, self._scores = np.zeros(items + 1, np.int64), np.zeros(items)
        self._found = 0


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
