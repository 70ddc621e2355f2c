"""Item-item with order: what was met by the same users, and in which order.

>>> model = ItemItem()
>>> for user, item in (("u1", "a"), ("u1", "b"), ("u2", "c"), ("u3", "a")):
...     model.learn_one(user, item, 1.0)
>>> model.recommend("u3", k=1, exclude=["a"])
['b']
"""

# ruff: noqa: ARG002 - River's protocol has arguments that not every model needs

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from online_models.base import Context, Floats, Id, best_first
from online_models.covisits import Covisits
from online_models.exact import ExactRanker


class ItemItem(ExactRanker):
    """The read-out A of the pair counts (`covisits.py`).

    Parameters
    ----------
    fade
        How much less each older item of the user's ring counts: .9 suits films, .7 and less news and shops.
    """

    def __init__(self, fade: float = 0.9, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.fade = fade
        self._covisits = Covisits(fade)

    def predict_one(self, user: Id, item: Id, x: Context | None = None) -> float:  # type: ignore[override]
        """A of the item for the user; 0 where either is unknown."""
        index = self._index(item)
        return 0.0 if index is None else float(self.scores(user)[index])

    def rank(self, user: Id, items: Iterable[Id], x: Context | None = None) -> list[Id]:
        """`items`, best first; ties by id."""
        scores = self.scores(user)
        places = {item: self._index(item) for item in items}
        scored = [(item, 0.0 if place is None else float(scores[place])) for item, place in places.items()]
        return [item for item, _ in sorted(scored, key=best_first)]

    def scores(self, user: Id, at: int | None = None) -> Floats:
        """A of every known item, [n]; time does not matter."""
        rows, n = self.state.rows, len(self._names)
        ring = self._ring(self._user(user))
        self._covisits.read(ring, self._weights(), rows.offset, rows.length, rows.entries)
        out = self._covisits.table[:n, 0] + 2.0 * self._covisits.table[:n, 1]
        self._covisits.clear()
        return np.asarray(out)
