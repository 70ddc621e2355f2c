"""The click model: how likely is an item chosen when it is shown, learned by River's logistic regression.

The chance of a choice is taken as (chance that the place is looked at) * (chance that the item is wanted), the
position-based model (Craswell et al., "An experimental comparison of click position-bias models", WSDM 2008; Joachims
et al., "Unbiased learning-to-rank with biased feedback", WSDM 2017). In logs that is a sum: weights of the place +
weights of the item, learned together; a list is then ranked by the item's weights alone, as if all were looked at.

A choice may come days after the list. So every item shown teaches "not chosen" at once, and a choice, whenever it
comes, teaches "chosen" besides: of p wanted in 1 shown the model sees p / (1 + p), whose odds are p itself (fake
negative calibration, Ktena et al., "Addressing delayed feedback for continuous training with neural networks in CTR
prediction", RecSys 2019). The logit of the regression is the log of the chance, and no window has to be waited out.
A choice that is worth more teaches with its weight, so it is the log of the worth that is expected of a showing.

>>> from online_models.click_features import columns
>>> model = ClickModel()
>>> shown = ShownItems.of(("a", "b"), columns(("x",), np.array([[1.0], [0.0]]), [-1, -1], [0.0, 0.0]), ())
>>> for _ in range(200):
...     for item in (0, 1):
...         model.learn(shown.features(item, place=item), 0.0)
...     model.learn(shown.features(1, place=1), 1.0)
>>> model.weights()["score"] < 1.0, model.version
(True, 600)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from river import linear_model, optim

from online_models.click_features import (
    CROSSED,
    NEAR_PLACES,
    SCORE,
    Columns,
    item_name,
    means,
    place_name,
    product,
    relative,
)
from online_models.state import State

START: Final[Mapping[str, float]] = {SCORE: 1.0, "place": -1.0, "level": -2.0}
"""Before the first lesson: the blend's score is right, the chance to be looked at falls as 1 / place."""
CENTRE_OVER: Final = 1_000
"""The features' means are those of about so many lists."""
_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class ShownItems:
    """The items of one list as they were shown: ids, words of the context, features relative to the list's mean.

    deviations: [n, F] float32 (half the memory: thousands of lists are kept for days), columns as in `names`.
    """

    items: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[str, ...]
    deviations: npt.NDArray[np.float32]

    @classmethod
    def of(cls, items: Sequence[str], known: Columns, words: Sequence[str]) -> ShownItems:
        """A list with these features."""
        deviations = relative(known.values, means(known.values)).astype(np.float32)
        return cls(tuple(items), known.names, tuple(words), deviations)

    def features(self, item: int, place: int, own: bool = True) -> dict[str, float]:
        """What River learns from for the item at an index of the list; `own`: with the item's own weight."""
        values = dict(zip(self.names, self.deviations[item].tolist(), strict=True))
        out = {"level": 1.0, "place": float(np.log1p(place)), place_name(place): 1.0, **values}
        for word in self.words:
            out[word] = 1.0
            for name in CROSSED:
                out[product(word, name)] = values[name]
        if own:
            out[item_name(self.items[item])] = 1.0
        return out


class ClickModel:
    """River's `LogisticRegression` with Adagrad, and the features' running means.

    Parameters
    ----------
    rate
        Adagrad's step.

    Attributes
    ----------
    version
        How many lessons were learned.
    """

    def __init__(self, rate: float = 0.1) -> None:
        self.rate = rate
        self.version = 0
        self.lists = 0
        self.centre: dict[str, float] = {}
        self._river = _river(START, {}, rate)

    def learn(self, features: Mapping[str, float], reward: float, weight: float = 1.0) -> None:
        """One lesson that counts `weight`: `reward` 0 for an item that was shown, its worth for one that was chosen."""
        self._river.learn_one(dict(features), reward > 0.0, weight * (reward if reward > 0.0 else 1.0))
        self.version += 1

    def note(self, shown: Columns) -> None:
        """Take a list into the features' means."""
        self.lists += 1
        share = 1.0 / min(self.lists, CENTRE_OVER)
        for name, mean in zip(shown.names, means(shown.values).tolist(), strict=True):
            if not math.isnan(mean):  # an age that is not known says nothing
                before = self.centre.setdefault(name, mean)
                self.centre[name] = before + share * (mean - before)

    def weights(self) -> dict[str, float]:
        """Every weight by the name of its feature."""
        return dict(self._river.weights)

    def examination(self, places: int) -> list[float]:
        """How likely each place is looked at, relative to the first."""
        held = self.weights()
        logs = [held["place"] * np.log1p(place) + held.get(place_name(place), 0.0) for place in range(places)]
        return [float(np.exp(log - logs[0])) for log in logs]

    def published(self, choices: float, places: int = NEAR_PLACES) -> dict[str, Any]:
        """The weights for `ClickWeights`, fit for JSON: without those of places and levels, which move no item.

        Parameters
        ----------
        choices: how many choices were learned.
        places: of so many places the estimate of how likely each is looked at comes along.
        """
        weights: dict[str, float] = {}
        items: dict[str, float] = {}
        words: dict[str, list[float]] = {}
        held = self.weights()
        for name, weight in held.items():
            if name.startswith("item:"):
                items[name.removeprefix("item:")] = round(weight, _DECIMALS)
            elif name in CROSSED or name.startswith("part:"):
                weights[name] = weight
            elif name.endswith(f" {SCORE}"):
                word = name.removesuffix(f" {SCORE}")
                words[word] = [held.get(product(word, crossed), 0.0) for crossed in CROSSED]
        return {
            "version": self.version,
            "choices": choices,
            "centre": dict(self.centre),
            "weights": weights,
            "words": words,
            "items": items,
            "examination": [round(share, 4) for share in self.examination(places)],
        }

    def state_dict(self) -> State:
        """Weights and Adagrad's sums of squares in their order, means, counts."""
        weights, optimizer = self.weights(), self._river.optimizer
        squares: Mapping[str, float] = optimizer.g2
        return {
            "names": list(weights),
            "weights": np.array(list(weights.values()), np.float64),
            "squares": np.array([squares.get(name, 0.0) for name in weights], np.float64),
            "centre": dict(self.centre),
            "version": self.version,
            "lists": self.lists,
        }

    def load_state(self, state: State) -> None:
        """Take the state over."""
        weights = dict(zip(state["names"], state["weights"].tolist(), strict=True))
        squares = dict(zip(state["names"], state["squares"].tolist(), strict=True))
        self._river = _river(weights, squares, self.rate)
        self.centre = dict(state["centre"])
        self.version, self.lists = int(state["version"]), int(state["lists"])


def _river(weights: Mapping[str, float], squares: Mapping[str, float], rate: float) -> linear_model.LogisticRegression:
    optimizer = optim.AdaGrad(rate)
    optimizer.g2.update(squares)
    # The level is a feature like the others, so that Adagrad moves it too.
    model = linear_model.LogisticRegression(optimizer, intercept_lr=0.0)
    for name, weight in weights.items():
        model._weights[name] = weight  # River lets weights be read, not set
    return model
