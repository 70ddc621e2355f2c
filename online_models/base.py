"""What every model here has in common: River's protocol for rankers, made safe for a server.

>>> from online_models.popularity import Popularity
>>> model = Popularity()
>>> model.learn_many([("u1", "i1", 1.0, None), ("u2", "i1", 1.0, None), ("u2", "i2", 1.0, None)])
>>> model.recommend("u3", k=2)
['i1', 'i2']
"""

from __future__ import annotations

import abc
import heapq
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from river.reco.base import Ranker, Reward

from online_models.state import State, pack, unpack
from recommender.event_types import MOST_WEIGHT

Id = Hashable
"""A user's or item's id: a string (as in the events) or an integer (as in River's examples)."""
Context = Mapping[str, Any]
Event = tuple[Id, Id, float, Context | None]
Floats = npt.NDArray[np.float64]


class OnlineRanker(Ranker):
    """A recommender that learns one event at a time.

    To River's `learn_one`, `predict_one` and `rank` it adds `learn_many`, `recommend`, `scored`, `add_item` and
    a state without pickle. Asking (`predict_one`, `rank`, `scored`, `recommend`) never changes a model.

    Parameters
    ----------
    seed
        Whatever is random is a function of the seed and an id, never of a shared stream.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed=seed)

    @abc.abstractmethod
    def _learn(self, user: Id, item: Id, weight: float, x: Context) -> None:
        """Learn one checked event."""

    @abc.abstractmethod
    def predict_one(self, user: Id, item: Id, x: Context | None = None) -> float:  # type: ignore[override]
        """How much `user` will like `item`, on the model's own scale; `x` as in `learn_one`. Unknown ids are fine."""

    @abc.abstractmethod
    def known(self) -> Sequence[Id]:
        """Every item that can be recommended: learned or added."""

    @abc.abstractmethod
    def scores(self, user: Id, at: int | None = None) -> Floats:
        """The score of each item of `known`, [n] float64, as `predict_one` gives it."""

    @abc.abstractmethod
    def add_item(
        self, item: Id, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None:
        """Announce an item, so that it can be recommended before its first event.

        Parameters
        ----------
        item
            Its id.
        vector
            Its place in a space of contents, [dim]. Models without a use for it ignore it, as they do `text`.
        text
            What it is about.
        timestamp
            Event time of the announcement in ms.
        """

    @abc.abstractmethod
    def state_dict(self) -> State:
        """All that was learned: arrays and values that JSON can hold (a copy)."""

    @abc.abstractmethod
    def load_state(self, state: State) -> None:
        """Become what `state_dict` described; the parameters must be the same."""

    def learn_one(self, user: Id, item: Id, y: Reward | float, x: Context | None = None) -> None:
        """Learn that `user` met `item`.

        Parameters
        ----------
        user, item
            Ids, known or not.
        y
            The event's weight; negative for a dislike.
        x
            May carry `timestamp` (event time, ms) and `type` (of the interaction).

        Raises
        ------
        ValueError
            If y is not a finite number from -1000 to 1000; nothing was learned then.
        TypeError
            If an id is neither a string nor an integer.
        """
        weight = float(y)  # type: ignore[arg-type]
        if not abs(weight) <= MOST_WEIGHT:
            raise ValueError(f"y must be a finite number from -{MOST_WEIGHT:g} to {MOST_WEIGHT:g}, got {weight}")
        for name in (user, item):
            if not isinstance(name, str | int | np.integer):
                raise TypeError(f"an id is a string or an integer, got {type(name).__name__}")
        self._learn(user, item, weight, x or {})

    def learn_many(self, events: Iterable[Event]) -> None:
        """Learn events (user, item, y, x) in their order: bit for bit the loop of `learn_one`."""
        for user, item, y, x in events:
            self.learn_one(user, item, y, x)

    def rank(self, user: Id, items: Iterable[Id], x: Context | None = None) -> list[Id]:
        """`items`, best first; ties by id, so that no process's hash order shows."""
        scored = [(item, float(self.predict_one(user, item, x))) for item in set(items)]
        return [item for item, _ in sorted(scored, key=best_first)]

    def scored(self, user: Id, k: int, exclude: Collection[Id] = (), at: int | None = None) -> list[tuple[Id, float]]:
        """The `k` best items and their scores, out of every known item but `exclude`; ties by id.

        Parameters
        ----------
        user
            Whom it is for, known or not.
        k
            The list's length; it is shorter if fewer items are known.
        exclude
            Ids to leave out.
        at
            Event time in ms that trends and ages are read at; default: the newest learned.
        """
        return top(self.known(), self.scores(user, at), k, exclude)

    def recommend(self, user: Id, k: int, exclude: Collection[Id] = (), at: int | None = None) -> list[Id]:
        """The ids of `scored`: best first."""
        return [item for item, _ in self.scored(user, k, exclude, at)]

    def save(self) -> bytes:
        """The state as the bytes of an .npz file; equal states have equal bytes."""
        return pack(self.state_dict())

    def load(self, data: bytes) -> None:
        """Become what `save` described."""
        self.load_state(unpack(data))


def best_first(scored: tuple[Id, float]) -> tuple[float, bool, Any]:
    """Sort key of (id, score): higher scores first, then integers before strings, each in their own order."""
    item, score = scored
    return -score, isinstance(item, str), item


def top(items: Sequence[Id], scores: Floats, k: int, exclude: Collection[Id] = ()) -> list[tuple[Id, float]]:
    """The `k` best of `items` with their `scores` [n], without `exclude`; ties by id."""
    if k <= 0:
        return []
    gone = frozenset(exclude)
    best = leading(scores, k + len(exclude)).tolist()  # enough for the list whatever is excluded
    return heapq.nsmallest(k, [(items[at], float(scores[at])) for at in best if items[at] not in gone], key=best_first)


def leading(scores: Floats, k: int) -> npt.NDArray[np.int64]:
    """Where the `k` largest of `scores` [n] are, and all that tie with the last of these; in their order."""
    wanted = min(len(scores), k)
    if wanted <= 0:
        return np.zeros(0, np.int64)
    limit = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
    return np.flatnonzero(scores >= limit)


def event_time(x: Context) -> int | None:
    """The event time (ms) that a context carries, if any."""
    timestamp = x.get("timestamp")
    return None if timestamp is None else int(timestamp)
