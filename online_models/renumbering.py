"""A state with its items numbered anew, so that what items that left had taken is free again.

Index 0 of the new numbers is nobody's: a user's history may name items that left, and its places must stay.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from online_models.caps import Caps
from online_models.item_stats import stats_dtype
from online_models.rings import UserRow
from online_models.state import State

Array = np.ndarray[Any, Any]

SPARE: Final = 1_000
"""Numbers are given anew when there are so many more than two for each item that may stay."""
USERS_A_NUMBER: Final = 8
"""A partition, whose users' rows have to be copied for it, gives one more number for so many users that it may keep."""


def most_numbers(caps: Caps) -> int:
    """So many numbers of items a partition gives before it gives them anew.

    At least so many items have left by then that a few user rows and two item rows are copied for each of them.

    >>> most_numbers(Caps(users=8_000, items=3_000))
    8000
    """
    return 2 * caps.items + caps.users // USERS_A_NUMBER + SPARE


class Renumbering:
    """Old index -> new index of the items that stay; 0 for those that left. Items that are named later follow in order.

    >>> renumbering = Renumbering(["a", "", "c"])
    >>> renumbering.names, renumbering.place.tolist()
    (['', 'a', 'c'], [1, 0, 2])
    >>> renumbering.of(np.array([4, 2, 3, 1])).tolist()
    [4, 2, 3, 0]
    """

    def __init__(self, names: list[str]) -> None:
        self.kept = np.array([index for index, name in enumerate(names) if name], np.int64)
        self.names = ["", *(names[index] for index in self.kept.tolist())]
        self.place = np.zeros(len(names), np.int64)
        self.place[self.kept] = np.arange(1, len(self.names))

    def of(self, indexes: Array) -> Array:
        """The new indexes of old ones."""
        try:
            return np.asarray(self.place[indexes])
        except IndexError:
            have, following = len(self.place), int(self.place.max(initial=0)) + 1
            self.place = np.concatenate((self.place, np.arange(following, following + int(indexes.max()) + 1 - have)))
            return np.asarray(self.place[indexes])

    def user_row(self, data: bytes) -> bytes:
        """A user's row. Refusals of items that left are gone: they decide nothing (`UserRings.refuse`)."""
        row = UserRow.from_bytes(data)
        items = self.of(row.items)
        refused: dict[int, int] = {}
        if row.refused:
            places = self.of(np.fromiter(row.refused, np.int64)).tolist()
            refused = {place: kind for place, kind in zip(places, row.refused.values(), strict=True) if place}
        return UserRow(row.total, items, row.times, row.weights, row.codes, refused).to_bytes()

    def neighbour_row(self, data: bytes) -> bytes:
        """An item's neighbours. Those that left stay, as nobody: how many there are decides when the row is pruned."""
        row = np.frombuffer(data, "<i4").reshape(-1, 3).copy()
        row[:, 0] = self.of(row[:, 0])
        return row.tobytes()

    def of_items(self, values: Array) -> Array:
        """Rows by item [n, …] in the new order, zeros for nobody's."""
        return np.concatenate((np.zeros((1, *values.shape[1:]), values.dtype), values[self.kept]))

    def exact(self, state: State, types: int) -> State:
        """The state of an `ExactRanker` with so many interaction types."""
        n, size = len(self.place), stats_dtype(types).itemsize
        lengths, entries = state["row_lengths"], state["rows"]
        owner = np.repeat(np.arange(n), lengths)
        stays = (self.place[owner] > 0) & (self.place[entries[:, 0]] > 0) if len(entries) else np.zeros(0, np.bool_)
        kept = entries[stays].copy()
        kept[:, 0] = self.place[kept[:, 0]]
        users = [self.user_row(row.tobytes()) for row in _pieces(state["user_rows"], state["user_lengths"])]
        return {
            **state,
            "names": self.names,
            "announced": self.of_items(state["announced"]),
            "stats": self.of_items(state["stats"].reshape(n, size)).ravel(),
            "row_lengths": np.bincount(self.place[owner[stays]], minlength=len(self.names)).astype(lengths.dtype),
            "rows": kept,
            "user_lengths": np.array([len(row) for row in users], np.int64),
            "user_rows": np.frombuffer(b"".join(users), np.uint8),
        }

    def space(self, state: State) -> State:
        """The state of a `VectorSpace`."""
        items = self.place[state["items"]]
        stays = items > 0
        near, close = state["near"][stays], state["close"][stays].copy()
        near = np.where(near >= 0, self.place[np.maximum(near, 0)], 0)
        close[near == 0] = -2.0
        near[near == 0] = -1
        order = np.argsort(-close, axis=1, kind="stable")
        gone = state["vectors"][~stays].sum(axis=0, dtype=np.float64)
        return {
            **state,
            "items": items[stays],
            "vectors": state["vectors"][stays],
            "near": np.take_along_axis(near, order, 1),
            "close": np.take_along_axis(close, order, 1),
            "sum": state["sum"] - gone if len(state["items"]) else state["sum"],
        }

    def leaders(self, state: State) -> State:
        """The state of `Leaders`: those who stay come first."""
        leaders = state["leaders"]
        leaders = np.where(leaders >= 0, self.place[np.maximum(leaders, 0)], 0)
        leaders[leaders == 0] = -1
        order = np.argsort(leaders < 0, axis=1, kind="stable")
        strengths = state["strengths"]
        nobody = np.full((len(strengths), 1), -np.inf)
        return {
            "leaders": np.take_along_axis(leaders, order, 1),
            "strengths": np.concatenate((nobody, strengths[:, self.kept]), axis=1),
        }


def _pieces(joined: Array, lengths: Array) -> list[Array]:
    return np.split(joined, np.cumsum(lengths)[:-1]) if len(lengths) else []
