"""From scored candidates to a list: diversity, calibration, caps, newcomers' seats. All of it parts of the score."""

from __future__ import annotations

import numpy as np

from recommender.calibration import Calibrating, Capped, Labels, mix_of
from recommender.numbering import Array
from recommender.query import Query
from recommender.ranking import Diverse, Scored, in_order, leading, pool_size, rerank, width
from recommender.read_model import ReadModel
from recommender.retrieval import Candidates
from serving.adjusting import Adjusting, House
from serving.ask import Ask
from serving.exploring import Draw, Exploring
from serving.item_vectors import ItemVectors


class Reranking:
    """Chooses the items of a list among its candidates."""

    def __init__(
        self,
        model: ReadModel,
        vectors: ItemVectors,
        house: House,
        adjusting: Adjusting,
    ) -> None:
        self._model = model
        self._vectors = vectors
        self._house = house
        self._adjusting = adjusting
        self._exploring = Exploring(model, house.exploration)

    def mix(self, ask: Ask) -> dict[str, float]:
        """The categories of what the user liked, by share; {} where the list is not to be calibrated."""
        liked = ask.history.weights > 0.0
        if not ask.query.calibration or not liked.any():
            return {}
        items = self._model.catalogue.items
        pairs = zip(ask.history.items[liked].tolist(), ask.history.weights[liked].tolist(), strict=True)
        known = [(items[number].categories, weight) for number, weight in pairs if number in items]
        return mix_of([each for each, _ in known], [weight for _, weight in known]) if known else {}

    def caps(self, query: Query) -> bool:
        """Is a list for this question capped?"""
        return self._house.cap_of(query) is not None

    def listed(
        self, ask: Ask, scored: Scored, candidates: Candidates, mix: dict[str, float]
    ) -> tuple[Array, list[Draw]]:
        """The places of the list, in the order of the final scores, and the draws for the seats that chance gave.

        `scored` gets the parts that decided.
        """
        query, cap = ask.query, self._house.cap_of(ask.query)
        capped: Capped | None = None
        if not (query.diversity or mix or cap) or len(scored.ids) < 2:
            listed = leading(scored, query.n)
        else:
            # Only what is good is worth being different; a cap or a mix may need what lies far down.
            pool = leading(scored, len(scored.ids) if mix or cap else pool_size(query.n))
            numbers = candidates.numbers[pool]
            span = width(scored, pool)
            diverse = Diverse(self._likeness(numbers), query.diversity, span) if query.diversity else None
            labels = Labels(self._categories(numbers), list(mix))
            calibrating = Calibrating(labels.shares, labels.mix(mix), query.n, query.calibration, span) if mix else None
            capped = Capped(labels.shares, labels.names, cap) if cap else None
            listed = rerank(scored, pool, query.n, diverse, calibrating, capped)
        listed, draws = self._seated(ask, scored, candidates, listed, cap, mix)
        return in_order(scored, listed), draws

    def _seated(
        self,
        ask: Ask,
        scored: Scored,
        candidates: Candidates,
        listed: Array,
        cap: int | None,
        mix: dict[str, float],
    ) -> tuple[Array, list[Draw]]:
        """The list with seats given to newcomers, where there are some that may have them."""
        # Who sits in one seat does not hang on who sits in another: a promise about categories holds for one seat only.
        few = bool(cap or mix)
        seats = min(self._exploring.seats(ask.query), 1) if few else self._exploring.seats(ask.query)
        if not seats or len(listed) < ask.query.n:
            return listed, []
        may = self._may_sit(scored, candidates, listed, cap, mix)
        return self._exploring.give(ask.query, scored, candidates.numbers, listed, may, seats)

    def _may_sit(
        self, scored: Scored, candidates: Candidates, listed: Array, cap: int | None, mix: dict[str, float]
    ) -> Array | None:
        """[n] mask: candidates that were not shown lately and in the list's last seat break neither cap nor mix.

        None where all may.
        """
        may = None if scored.worn is None else scored.worn == 0.0
        if not (cap or mix):
            return may
        if may is None:
            may = np.ones(len(candidates.numbers), np.bool_)
        labels = Labels(self._categories(candidates.numbers))
        if mix:
            may = may & (labels.shares == labels.shares[listed[-1]]).all(axis=1)
        if cap:
            capped = Capped(labels.shares, labels.names, cap)
            for place in listed[:-1].tolist():
                capped.take(place)
            may = may & ~capped.blocked()
        return np.asarray(may)

    def _categories(self, numbers: Array) -> list[list[str]]:
        items = self._model.catalogue.items
        return [item.categories if (item := items.get(number)) else [] for number in numbers.tolist()]

    def _likeness(self, numbers: Array) -> Array:
        """How alike items are, [n, n]: by their vectors; by shared categories (Jaccard) where one has none."""
        shares = Labels(self._categories(numbers))
        has = ((shares.shares > 0.0) & np.array([name != "" for name in shares.names], np.bool_)).astype(np.float64)
        both, size = has @ has.T, has.sum(axis=1)
        shared = both / np.maximum(size[:, None] + size[None, :] - both, 1.0)
        index = self._vectors.index
        if index is None:
            return np.asarray(shared)
        found = self._vectors.of(index, numbers)
        vectors, known = found.read(), found.known
        return np.where(known[:, None] & known[None, :], vectors @ vectors.T, shared)
