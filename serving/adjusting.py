"""Parts that come from outside the models: rules of the house, the question's context, what was shown lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recommender.boosts import boost_of
from recommender.fatigue import marks_of, price, wear
from recommender.numbering import Array
from recommender.query import Boost, Query
from recommender.ranking import Scored
from recommender.read_model import ReadModel
from serving.ask import Ask

Floats = npt.NDArray[np.float64]

CONTEXT: Final = 1.0
"""Weight of the log of how much likelier an item is in the question's context: probabilities are multiplied."""
CONTEXT_FADES: Final = 5.0
"""It gives way as the history grows past so many events."""


@dataclass(frozen=True, slots=True)
class House:
    """What holds for lists whose question does not say otherwise.

    fatigue: 0 to 1, how dearly items pay that were shown lately without being chosen. max_per_category: None for no
    cap. rules: hold for every list. exploration: the share of a list's seats that cold items get by chance, 0 to 1.
    """

    fatigue: float = 1.0
    max_per_category: int | None = None
    rules: Sequence[Boost] = ()
    exploration: float = 0.1

    def fatigue_of(self, query: Query) -> float:
        """The dial in force for a question."""
        return self.fatigue if query.fatigue is None else query.fatigue

    def cap_of(self, query: Query) -> int | None:
        """The cap in force for a question."""
        return self.max_per_category if query.max_per_category is None else query.max_per_category

    def rules_of(self, query: Query) -> list[Boost]:
        """The rules in force for a question."""
        return [*self.rules, *query.rules]


class Adjusting:
    """Adds the parts `rule`, `trend_context` and `fatigue`, each where it is not 0 for all."""

    def __init__(self, model: ReadModel, house: House) -> None:
        self._model = model
        self._house = house

    def adjust(self, ask: Ask, scored: Scored, numbers: Array, shown: bool = True) -> None:
        """To candidates `numbers` [n]; fatigue comes last, since its price is told by the range of the other parts.

        `shown`: whether what was shown counts; how worn they are is kept in `scored`.
        """
        if rules := self._house.rules_of(ask.query):
            items = self._model.catalogue.items
            _add(scored, "rule", np.array([boost_of(rules, items.get(number)) for number in numbers.tolist()]))
        if ask.around is not None and ask.query.strategy == "default":
            fade = 1.0 / (1.0 + len(ask.history) / CONTEXT_FADES)
            _add(scored, "trend_context", CONTEXT * fade * ask.around.lifts(scored.ids))
        scored.worn = self._worn(ask, numbers) if shown else None
        if scored.worn is not None:
            _add(scored, "fatigue", -price(scored.worn, scored.total, self._house.fatigue_of(ask.query)))

    def shown(self, ask: Ask) -> int:
        """How many items at most were shown lately: so many more candidates are needed."""
        return len(ask.query.shown) + sum(len(one.marks) for one in ask.shown.lists)

    def _worn(self, ask: Ask, numbers: Array) -> Floats | None:
        """How worn items are for the one who asks, [n], 0 to 1; what they chose is not. None where none is."""
        if not (ask.shown.lists or ask.query.shown) or not self._house.fatigue_of(ask.query):
            return None
        tie = self._model.numbering.tie[numbers]
        worn = wear(ask.shown, tie, ask.now_ms)
        if ask.query.shown:
            worn[np.isin(tie, marks_of(ask.query.shown))] = 1.0
        places = worn.nonzero()[0]
        chosen = [place for place in places.tolist() if int(numbers[place]) in ask.chosen]
        worn[chosen] = 0.0
        return worn if len(places) > len(chosen) else None


def _add(scored: Scored, name: str, values: Floats) -> None:
    if values.any():
        scored.add(name, values)
