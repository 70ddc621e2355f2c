"""What the click model adds to a score: its weights as they are published, used without River.

The part of an item is what the model says beyond the score itself, `trust * (log chance of a choice - score)`, relative
to an item that is average in everything. With all of the trust a list stands in the order of the chance of a choice.

>>> from online_models.click_features import buckets_of, columns
>>> weights = ClickWeights({"version": 9, "choices": 1500, "centre": {"score": 1.0, "age": 2.0, "popularity": 0.0},
...     "weights": {"score": 0.5, "age": -1.0}, "words": {"hour:8": [0.0, 0.5, 0.0]}, "items": {}}, after=500)
>>> known = columns(("covisit",), np.array([[1.0], [3.0]]), [-1, -1], [0.0, 0.0])
>>> weights.part(buckets_of(["a", "b"]), known, ["hour:8"]).round(3).tolist()
[0.0, -0.938]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from online_models.click_features import CROSSED, ITEMS, SCORE, Columns, Floats, relative

AFTER: Final = 500
"""So many choices must have been learned before the model has a say; then n choices give it n / (n + AFTER / 5).

It starts from the blend's score and departs from it by evidence alone, so little more caution is needed.
"""
MOST: Final = 6.0
"""However sure the model is, it changes the chances by no more than e to the power of this."""


class ClickWeights:
    """Weights in force. `told` is what `ClickModel.published` made; before the first there are none.

    Attributes
    ----------
    version
        How many lessons the weights come from; 0 while the model has no say.
    """

    def __init__(self, told: Mapping[str, Any] | None = None, after: int = AFTER) -> None:
        self.after = after
        self.take(told or {"version": 0, "choices": 0, "centre": {}, "weights": {}, "words": {}, "items": {}})

    def take(self, told: Mapping[str, Any]) -> None:
        """Use these from now on."""
        self.choices = float(told["choices"])
        ready = self.choices > 0 and self.choices >= self.after
        self.trust = self.choices / (self.choices + self.after / 5.0) if ready else 0.0
        self.version = int(told["version"]) if ready else 0
        self.examination: list[float] = list(told.get("examination", ()))
        self._centre: dict[str, float] = dict(told["centre"])
        self._weights: dict[str, float] = dict(told["weights"])
        self._words = {word: np.array(row, np.float64) for word, row in told["words"].items()}
        self._items = np.zeros(ITEMS)
        for bucket, weight in told["items"].items():
            self._items[int(bucket)] = weight

    def part(self, buckets: npt.NDArray[np.int64], known: Columns, words: Sequence[str]) -> Floats:
        """What is added to the score of each item, [n]; the row of an item does not depend on the others.

        `buckets`: those of the items (`buckets_of`), [n].
        """
        weights = np.array([self._weights.get(name, 0.0) for name in known.names])
        for word in words:
            weights[: len(CROSSED)] += self._words.get(word, 0.0)
        weights[known.names.index(SCORE)] -= 1.0
        centre = np.array([self._centre.get(name, 0.0) for name in known.names])
        own = self._items[buckets]
        beyond = (relative(known.values, centre) * weights).sum(axis=1) + own
        return np.asarray(self.trust * np.clip(beyond, -MOST, MOST))
