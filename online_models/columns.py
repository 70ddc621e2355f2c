"""Events as the kernel takes them: one column a field, one row for each item that an event is about."""

from __future__ import annotations

from typing import Any

import numpy as np

from online_models.kernels import NOTED, NOWHERE, RINGED, SCALE
from recommender.event_types import EventTypes
from recommender.events import Interaction

Array = np.ndarray[Any, Any]

Column = tuple[int, int, int, int, float, int, int, int, int, int]
"""slot, item, code, weight, attention, stamp, time, now, horizon, what the ring makes of it."""


def item_ids(event: Interaction) -> list[str]:
    """The items that an event is about."""
    if event.type == "impression" and event.items:
        return event.items
    return [event.item_id or ""]


def columns_of(
    event: Interaction, types: EventTypes, slot: int, items: list[int], now: int, horizon: int
) -> list[Column]:
    """The rows of one event about `items` (local indexes); now and horizon are those of the partition's clock."""
    code = types.codes[event.type]
    stamp = event.timestamp
    when = min(stamp, horizon)
    if event.type == "impression":
        return [(slot, item, code, 0, 0.0, stamp, when, now, horizon, NOWHERE) for item in items]
    if event.type == "hide":
        # The least of refusals: in the ring it must not vote, nor tell anything but itself.
        return [(slot, items[0], code, -1, 0.0, stamp, when, now, horizon, NOTED)]
    weight = types.weight(event.type, event.value, event.scale)
    attention = 1.0 if types.is_choice(event.type) else max(weight, 0.0)
    return [(slot, items[0], code, round(weight * SCALE), attention, stamp, when, now, horizon, RINGED)]


def arrays_of(columns: list[Column]) -> tuple[Array, Array, Array, Array, Array, Array, Array, Array, Array, Array]:
    """The columns as the kernel's arrays, in its order."""
    slots, items, codes, weights, attention, stamps, times, nows, horizons, places = zip(*columns, strict=True)
    return (
        np.array(slots, np.int64),
        np.array(items, np.int64),
        np.array(codes, np.int64),
        np.array(weights, np.int64),
        np.array(attention, np.float64),
        np.array(stamps, np.int64),
        np.array(times, np.int64),
        np.array(nows, np.int64),
        np.array(horizons, np.int64),
        np.array(places, np.uint8),
    )
