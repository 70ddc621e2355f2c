"""What the exact tier knows of candidates, as the evidence that features are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.covisits import READINGS
from online_models.features import (
    AGE_MS,
    COUNT,
    IDLE_MS,
    OWN_IDLE_MS,
    OWN_INTERVAL_MS,
    OWN_PLACE,
    OWN_TIMES,
    OWN_WEIGHT,
    TREND,
    WEIGHT,
)
from online_models.kernels import HALF_LIVES_MS, SCALE, trend
from online_models.own_items import INTERVAL, LAST, PLACE, TIMES
from online_models.own_items import WEIGHT as LAST_WEIGHT

Array = np.ndarray[Any, Any]
Floats = npt.NDArray[np.float64]


@njit(cache=True)
def gather(
    indexes: Array,
    now: int,
    stats: Array,
    announced: Array,
    covisits: Floats,
    own: Floats,
    out: Floats,
) -> None:
    """Fill `out` [n, FACTS] for items by index, at an event time in ms.

    Parameters
    ----------
    stats
        The items' counts (`item_stats`).
    announced
        When they were announced, ms; 0: never.
    covisits, own
        The tables of a read-out and of the user's own items.
    """
    for place in range(len(indexes)):
        j = indexes[place]
        s, row = stats[j], out[place]
        for part in range(READINGS):
            row[part] = covisits[j, part]
        for k in range(len(HALF_LIVES_MS)):
            row[TREND + k] = trend(s, k, now, HALF_LIVES_MS[k])
        row[COUNT] = s.counted / SCALE
        row[WEIGHT] = s.count / SCALE
        if s.last != 0:
            row[IDLE_MS] = max(now - s.last, 0)
        born = s.birth
        if born == 0 or (announced[j] != 0 and announced[j] < born):
            born = announced[j]
        if born != 0:
            row[AGE_MS] = max(now - born, 0)
        row[OWN_PLACE] = own[j, PLACE]
        if own[j, PLACE] >= 0.0:
            row[OWN_TIMES] = own[j, TIMES]
            row[OWN_IDLE_MS] = max(now - own[j, LAST], 0.0)
            row[OWN_INTERVAL_MS] = own[j, INTERVAL]
            row[OWN_WEIGHT] = own[j, LAST_WEIGHT] / SCALE


@njit(cache=True)
def gather_sums(
    numbers: Array,
    now: int,
    count: Floats,
    counted: Floats,
    birth: Array,
    last: Array,
    announced: Array,
    popularity: Floats,
    fades: Floats,
    own: Floats,
    out: Floats,
) -> None:
    """The same for a reader, whose counts are summed over partitions, column by column, in units of one event.

    What was read out of the ring is left to the reader.

    Parameters
    ----------
    popularity, fades
        Popularity at each half-life [items, half-lives], and what it has decayed by since.
    """
    for place in range(len(numbers)):
        j = numbers[place]
        row = out[place]
        for k in range(len(fades)):
            row[TREND + k] = popularity[j, k] * fades[k]
        row[COUNT] = counted[j]
        row[WEIGHT] = count[j]
        if last[j] != 0:
            row[IDLE_MS] = max(now - last[j], 0)
        born = birth[j]
        if born == 0 or (announced[j] != 0 and announced[j] < born):
            born = announced[j]
        if born != 0:
            row[AGE_MS] = max(now - born, 0)
        row[OWN_PLACE] = own[j, PLACE]
        if own[j, PLACE] >= 0.0:
            row[OWN_TIMES] = own[j, TIMES]
            row[OWN_IDLE_MS] = max(now - own[j, LAST], 0.0)
            row[OWN_INTERVAL_MS] = own[j, INTERVAL]
            row[OWN_WEIGHT] = own[j, LAST_WEIGHT]
