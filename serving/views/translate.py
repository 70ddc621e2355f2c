"""A partition's rows in the reader's terms: local item indexes become item numbers, fixed-point weights units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from numba import njit, types

from online_models.kernels import SCALE
from online_models.rings import DISLIKED, HIDDEN, UserRow
from recommender.event_types import EventTypes
from recommender.events import Profile, encode
from recommender.fatigue import ShownLists
from recommender.interests import Interests
from recommender.numbering import Array, Numbering
from recommender.read_model import History, UserState

NOTHING_SHOWN: Final = ShownLists()
_ROW: Final = types.Array(types.int32, 2, "C", readonly=True)
REFUSALS: Final = {DISLIKED: "disliked", HIDDEN: "hidden"}


class Rows(Protocol):
    """Where neighbour rows lie: entries [entries, 3], and by local index where each begins and how long it is."""

    entries: Array
    offset: Array
    length: Array


def user_state(
    user_id: str,
    row: UserRow | None,
    numbers: Array,
    profile: Profile | None,
    interests: Interests | None = None,
    shown: ShownLists = NOTHING_SHOWN,
) -> UserState | None:
    """A user as a reader sees them; None for one of whom nothing is held. `numbers` translates local indexes.

    A row may name items that the reader has not met yet (it is newer than the view): those entries wait. Entries of
    items that gave their place up are left out.
    """
    if row is None or not (row.total or row.refused):
        return UserState(user_id, profile=profile, shown=shown) if profile is not None or shown.lists else None
    size, times, weights, codes = len(row.items), row.times, row.weights, row.codes
    items = numbers.take(row.items, mode="clip") if len(numbers) else np.full(size, -1)
    known = (items >= 0) & (row.items < len(numbers))
    whole = bool(known.all())
    if not whole:
        items, times, weights, codes = items[known], times[known], weights[known], codes[known]
    history = History(items.astype(np.int64), np.array(times, np.int64), weights / SCALE, codes.astype(np.int64))
    refused = {int(numbers[item]): REFUSALS[kind] for item, kind in row.refused.items() if _named(item, numbers)}
    return UserState(user_id, row.total, history, refused, profile, interests if whole else None, shown)


def neighbours(row: Array, numbers: Array) -> Array:
    """A neighbour row with item numbers, [m, 3] int32, without items not met yet or no longer there."""
    row = row.view()
    row.flags.writeable = False  # as it is when it lies in what Redis sent: one compiled function for both
    return np.asarray(_neighbours(row, numbers))


@njit(types.Array(types.int32, 2, "C")(_ROW, types.Array(types.int32, 1, "C")), cache=True)
def _neighbours(row: Array, numbers: Array) -> Array:
    out = np.empty((len(row), 3), np.int32)
    size = 0
    for entry in row:
        if entry[0] < len(numbers) and numbers[entry[0]] >= 0:
            out[size, 0], out[size, 1], out[size, 2] = numbers[entry[0]], entry[1], entry[2]
            size += 1
    return out[:size]


def joined_rows(tables: Sequence[tuple[Rows, Array, Array]], count: int) -> list[Array]:
    """The rows of `count` items, each of its pieces in several partitions one after another; see `neighbours`.

    Of each partition its rows, the local index of each item [count], -1 for none, and the item numbers by local index.
    """
    ends = np.zeros(count, np.int64)
    for rows, places, _ in tables:
        _lengthen(rows.length, places, ends)
    ends = ends.cumsum()
    begins = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    out, at = np.empty((int(ends[-1]) if count else 0, 3), np.int32), begins.copy()
    for rows, places, numbers in tables:
        _fill(rows.entries, rows.offset, rows.length, places, numbers, out, at)
    return [out[begin:end] for begin, end in zip(begins.tolist(), at.tolist(), strict=True)]


@njit(cache=True)
def _lengthen(length: Array, places: Array, lengths: Array) -> None:
    for at, place in enumerate(places):
        if 0 <= place < len(length):
            lengths[at] += length[place]


@njit(cache=True)
def _fill(entries: Array, offset: Array, length: Array, places: Array, numbers: Array, out: Array, ends: Array) -> None:
    for at, place in enumerate(places):
        if not 0 <= place < len(length):
            continue
        for entry in entries[offset[place] : offset[place] + length[place]]:
            if entry[0] < len(numbers) and numbers[entry[0]] >= 0:
                end = ends[at]
                out[end, 0], out[end, 1], out[end, 2] = numbers[entry[0]], entry[1], entry[2]
                ends[at] += 1


def _named(item: int, numbers: Array) -> bool:
    return item < len(numbers) and bool(numbers[item] >= 0)


def exported(state: UserState, numbering: Numbering, types: EventTypes) -> dict[str, Any]:
    """All that is held of a user, as plain values."""
    return {
        "user_id": state.user_id,
        "interactions": state.total,
        "history": events_of(state, numbering, types),
        "refused": [{"item_id": numbering.ids[number], "rule": rule} for number, rule in state.refused.items()],
        "profile": _plain(state.profile) if state.profile else None,
        "shown": _shown(state.shown, numbering),
        "interest_vectors": _vectors(state.interests) if state.interests else None,
    }


def events_of(state: UserState, numbering: Numbering, types: EventTypes) -> list[dict[str, Any]]:
    """A user's interactions, newest first."""
    history = state.history
    return [
        {
            "item_id": numbering.ids[item],
            "type": types.names[code],
            "timestamp": when,
            "weight": round(weight, 3) + 0.0,
        }
        for item, code, when, weight in zip(
            history.items[::-1].tolist(), history.codes[::-1].tolist(), history.times[::-1].tolist(),
            history.weights[::-1].tolist(), strict=True,
        )
    ]  # fmt: skip


def _plain(profile: Profile) -> Any:
    return msgspec.json.decode(encode(profile))


def _shown(shown: ShownLists, numbering: Numbering) -> list[dict[str, Any]]:
    """The lists shown lately; an item that is not known any more is left out."""
    columns = zip(numbering.tie.tolist(), numbering.ids, numbering.used.tolist(), strict=True)
    ids = {mark: item_id for mark, item_id, used in columns if used} if shown.lists else {}
    return [{"timestamp": one.when, "items": [ids[mark] for mark in one.marks if mark in ids]} for one in shown.lists]


def _vectors(interests: Interests) -> dict[str, Any]:
    return {
        "space": interests.space,
        "short": interests.short.astype(float).round(5).tolist(),
        "long": interests.long.astype(float).round(5).tolist(),
    }
