"""Batch models on a stream: fitted anew now and then to what users took, asked with each user's newest items."""

from __future__ import annotations

import abc
from collections import Counter
from itertools import chain

import numpy as np
import numpy.typing as npt

from online_models.base import Context, Id
from online_models.baselines.histories import Histories
from online_models.baselines.personal import Personal
from online_models.state import State, nested, part

Places = npt.NDArray[np.int64]

FIRST = 100
"""A first fit is not made of fewer positive events."""


class Refitted(Personal):
    """A model that is fitted after each so many positive events, and after a half, a quarter, … of the first so many.

    Parameters
    ----------
    every
        Positive events between fits.
    max_users, history, max_items
        Bounds of what it is fitted to: users, items of one user (the newest), and items (those with most events).
    distinct
        An item that a user took several times counts once.
    """

    def __init__(
        self, every: int, max_users: int, history: int, max_items: int, *, distinct: bool, seed: int = 0
    ) -> None:
        super().__init__(seed=seed)
        if min(every, max_items) < 1:
            raise ValueError("every and max_items must be at least 1")
        self.every, self.max_items = every, max_items
        self._taken = Histories(max_users, history, distinct=distinct)
        self._events = 0
        self._fitted: Places = np.zeros(0, np.int64)  # the places of the items it is fitted to, rising

    @abc.abstractmethod
    def _fit(self, users: list[Places]) -> None:
        """Fit the model to each user's items, as rows of `_fitted`."""

    def _take(self, user: Id, place: int, weight: float, x: Context) -> None:  # noqa: ARG002 - no batch model here knows time
        if weight <= 0.0:
            return
        self._taken.add(user, place)
        self._events += 1
        if self._due():
            counts = Counter(chain.from_iterable(self._taken))
            most = sorted(counts, key=lambda item: (-counts[item], item))[: self.max_items]
            self._fitted = np.array(sorted(most), np.int64)
            self._fit([rows for items in self._taken if len(rows := self._rows(items))])

    def _due(self) -> bool:
        if self._events >= self.every:
            return self._events % self.every == 0
        halvings = (self.every >> halving for halving in range(1, self.every.bit_length()))
        return self._events >= FIRST and self._events in halvings

    def _rows(self, items: list[int]) -> Places:
        """Items as rows of the fitted model, without those that it does not know."""
        places = np.array(items, np.int64)
        rows = np.searchsorted(self._fitted, places)
        inside = rows < len(self._fitted)
        inside[inside] = self._fitted[rows[inside]] == places[inside]
        return np.asarray(rows[inside])

    def state_dict(self) -> State:
        """Popularity, what users took, and which items the model is fitted to."""
        return {
            **super().state_dict(),
            **nested("taken", self._taken.state()),
            "events": self._events,
            "fitted": self._fitted.copy(),
        }

    def load_state(self, state: State) -> None:
        """Take the state over."""
        super().load_state(state)
        self._taken.restore(part("taken", state))
        self._events, self._fitted = state["events"], state["fitted"]
