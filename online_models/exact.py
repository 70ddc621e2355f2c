"""Models over the exact tier: River's protocol in front of one `PartitionState`."""

# ruff: noqa: ARG002 - River's protocol has arguments that not every model needs

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from online_models.base import Context, Event, Floats, Id, OnlineRanker, event_time
from online_models.caps import UNBOUNDED, Caps
from online_models.kernels import RING, SCALE
from online_models.neighbours import grown
from online_models.packed_users import IN_HAND, PackedUsers
from online_models.partition_state import PartitionState
from online_models.rings import UserRow
from online_models.state import State
from recommender.event_types import EventTypes
from recommender.events import Interaction

Array = np.ndarray[Any, Any]

_INTEGER = "\ue000"
"""Marks an id that is an integer; the state below knows strings only."""
_BIG = 1e300


class GivenWeights(EventTypes):
    """Interaction types whose events bring their weight along, as `learn_one`'s y does."""

    def weight(self, name: str, value: float | None, scale: tuple[float, float] | None) -> float:
        """The value, where there is one."""
        return super().weight(name, value, scale) if value is None else value


def key(name: Id) -> str:
    """An id as the state's string."""
    return name if isinstance(name, str) else f"{_INTEGER}{name}"


def name_of(text: str) -> Id:
    """The id behind a string of the state."""
    return int(text[1:]) if text.startswith(_INTEGER) else text


class ExactRanker(OnlineRanker):
    """A ranker that folds its events into a `PartitionState`, as a worker folds its partition.

    `x["type"]` may be any of the default interaction types; without one, y says whether it was a click (1 and more),
    a view, or a dislike (negative).
    """

    def __init__(self, seed: int = 0, caps: Caps | None = None) -> None:
        super().__init__(seed=seed)
        self.caps = caps or Caps(UNBOUNDED, UNBOUNDED)
        self._users = PackedUsers()
        self._start((), (), {}, ())

    def _start(
        self, names: Sequence[str], times: Sequence[int], users: Mapping[str, bytes], queue: Sequence[str]
    ) -> None:
        self._users = PackedUsers(users, self._users)
        self.state = PartitionState(
            GivenWeights(), self._users, dedupe=1, max_users=IN_HAND, forgotten=self._users.forgotten, caps=self.caps
        )
        self.state.restore(names, times, 0, (), queue)
        self._names: list[Id] = [name_of(name) for name in names]
        self._announced = np.zeros(max(1024, len(names)), np.int64)

    def _learn(self, user: Id, item: Id, weight: float, x: Context) -> None:
        self._fold([(user, item, weight, x)])

    def _fold(self, events: Sequence[Event]) -> list[int]:
        """Fold events in their order; the items' indexes."""
        folded = []
        for user, item, weight, context in events:
            x = context or {}
            kind = x.get("type")
            if kind not in self.state.types:
                kind = "dislike" if weight < 0.0 else "click" if weight >= 1.0 else "view"
            when = event_time(x) or self.state.clock.now or 1
            folded.append(Interaction(key(user), str(kind), when, key(item), value=weight, scale=(-_BIG, _BIG)))
        self.state.fold(folded)
        self._follow_names()
        if len(self.state.users.ids) > IN_HAND:
            self._users.pack(self.state)
        index = self.state.dictionary.index
        return [index[event.item_id] for event in folded if event.item_id in index]

    def _follow_names(self) -> None:
        names = self.state.dictionary.names
        self._names.extend(name_of(name) for name in names[len(self._names) :])
        if len(names) > len(self._announced):
            self._announced = grown(self._announced, 2 * len(names))

    def _index(self, item: Id) -> int | None:
        return self.state.dictionary.index.get(key(item))

    def _user(self, user: Id) -> UserRow | None:
        return self.state.user(key(user))

    def _ring(self, row: UserRow | None) -> Array:
        """The items that vote: the newest ones, newest first, without those disliked."""
        if row is None:
            return np.zeros(0, np.int64)
        newest = slice(-1, -1 - min(RING, len(row.items)), -1)
        return np.asarray(row.items[newest][row.weights[newest] >= 0].astype(np.int64))

    def _weights(self) -> Floats:
        """The items' summed weights, [n]."""
        return np.asarray(self.state.stats.table["count"][: len(self._names)] / SCALE)

    def known(self) -> Sequence[Id]:
        """Every item learned or added."""
        return self._names

    def add_item(
        self, item: Id, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None:
        """Make an item known, as of `timestamp`; the last announcement counts."""
        index = self.state.dictionary.number(key(item))
        self.state.fold(())
        self._follow_names()
        if timestamp is not None:
            self._announced[index] = timestamp

    def state_dict(self) -> State:
        """Names, the clock's window, counts, neighbour rows, users' rows."""
        state, n = self.state, len(self._names)
        self._users.pack(state)
        queue = list(state.queue)  # it has everybody of whom something is held
        users = {user: self._users.rows[user] for _, _, user in (entry.partition(" ") for entry in queue)}
        return {
            "names": list(state.dictionary.names),
            "clock": state.clock.times,
            "announced": self._announced[:n].copy(),
            "stats": np.frombuffer(state.stats.table[:n].tobytes(), np.uint8),
            "row_lengths": state.rows.length[:n].copy(),
            "rows": np.concatenate([state.rows.row(index) for index in range(n)] or [np.zeros((0, 3), np.int32)]),
            "queue": queue,
            "users": list(users),
            "user_lengths": np.array([len(row) for row in users.values()], np.int64),
            "user_rows": np.frombuffer(b"".join(users.values()), np.uint8),
        }

    def load_state(self, state: State) -> None:
        """Take the state over."""
        rows = pieces(state["user_rows"], state["user_lengths"])
        users = {user: row.tobytes() for user, row in zip(state["users"], rows, strict=True)}
        self._start(state["names"], state["clock"], users, state["queue"])
        n = len(self._names)
        self._announced[:n] = state["announced"]
        self.state.stats.table[:n] = np.frombuffer(state["stats"].tobytes(), self.state.stats.table.dtype)
        for index, row in enumerate(pieces(state["rows"], state["row_lengths"])):
            if len(row):
                self.state.rows.put(index, row.tobytes())


def pieces(joined: Array, lengths: Array) -> list[Array]:
    """What was joined, taken apart again."""
    return np.split(joined, np.cumsum(lengths)[:-1]) if len(lengths) else []
