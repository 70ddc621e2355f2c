"""From a question with its evidence to the list: retrieve, score, re-rank, explain. No waiting, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from online_models.readout import Found, Readout
from recommender.facts import Facts
from recommender.numbering import Array
from recommender.query import Filters, LeftOut, Parts, Recommendation, Standing
from recommender.ranking import Scored, leading
from recommender.read_model import ReadModel
from recommender.retrieval import Candidates, Evidences, retrieve
from recommender.rules import PERSONAL, Barred, ItemRules, code_of, rule_of, verdict_on
from recommender.seats import Seat
from serving.adjusting import Adjusting, House
from serving.ask import Ask
from serving.because import Because
from serving.candidates import Finding
from serving.exploring import seats_of
from serving.reranking import Reranking
from serving.scoring import Scoring

LEFT_OUT: Final = 1_000
"""The most that a list says it left out."""
DECIMALS: Final = 9
"""Decimals of the parts that are recorded: half the bytes of all of them."""


@dataclass(frozen=True, slots=True)
class Made:
    """A list, what was left out of it (with `explain`), the parts of its scores, the seats that chance gave, and what
    the click model needs to know of it.
    """

    items: list[Recommendation]
    left_out: list[LeftOut] | None
    parts: Parts
    seats: list[Seat]
    facts: Facts | None


@dataclass(frozen=True, slots=True)
class Pool:
    """Every item's verdict, what was read for it, the mix that is wished for, and the candidates with their scores."""

    codes: Array
    found: Found
    mix: dict[str, float]
    evidences: Evidences
    candidates: Candidates
    scored: Scored


class Listing:
    """Makes lists.

    Parameters
    ----------
    house
        What holds for every list.
    """

    def __init__(
        self,
        model: ReadModel,
        scoring: Scoring,
        house: House | None = None,
    ) -> None:
        house = house or House()
        self._model = model
        self._scoring = scoring
        self._rules = ItemRules(model.catalogue)
        self._readout = Readout()
        self._finding = Finding(model, scoring.vectors)
        self._adjusting = Adjusting(model, house)
        self._reranking = Reranking(model, scoring.vectors, house, self._adjusting)

    def make(self, ask: Ask) -> Made:
        """The list, and with `explain` what the rules took out of it."""
        pool = self._pool(ask)
        scored, candidates = pool.scored, pool.candidates
        listed, draws = self._reranking.listed(ask, scored, candidates, pool.mix)
        because = Because(self._model, self._scoring.vectors.index, ask) if ask.query.explain else None
        items = self._items(scored, candidates, listed, because)
        parts = Parts(list(scored.names), scored.rows(listed, DECIMALS))
        seats = seats_of(draws, scored, listed)
        facts = self._scoring.facts(ask, scored, candidates.numbers[listed])
        return Made(items, self._left_out(ask, pool, items) if ask.query.explain else None, parts, seats, facts)

    def standing(self, ask: Ask, number: int) -> Standing:
        """One item's score with its parts, and its place among the candidates by score alone."""
        pool = self._pool(ask)
        item_id = self._model.numbering.ids[number]
        others = pool.candidates.numbers[pool.candidates.numbers != number]
        numbers = np.append(others, number)
        scored = self._scoring.score(ask, numbers, pool.found)
        self._adjusting.adjust(ask, scored, numbers)
        total = scored.total
        own = float(total[-1])
        ahead = sum(
            1
            for place in np.flatnonzero(total[:-1] >= own).tolist()
            if total[place] > own or scored.ids[place] < item_id
        )
        code = int(pool.codes[number])
        because = Because(self._model, self._scoring.vectors.index, ask)
        reasons = because.reasons(number, scored.names, scored.values[-1])
        if code:
            return Standing(item_id, None, len(others), own, reasons, rule_of(code))
        return Standing(item_id, ahead + 1, len(others) + 1, own, reasons)

    def _pool(self, ask: Ask) -> Pool:
        counts = self._model.counts
        codes = self._codes(ask)
        counts.reserve(len(codes))
        found = self._readout.read(ask.ring, ask.rows, counts.count, ask.session)
        mix = self._reranking.mix(ask)
        worn = self._adjusting.shown(ask)
        evidences = self._finding.evidences(ask, found, mix, worn)
        candidates = retrieve(evidences, codes == 0, at_least=ask.query.n + worn)
        scored = self._scoring.score(ask, candidates.numbers, found)
        self._adjusting.adjust(ask, scored, candidates.numbers)
        return Pool(codes, found, mix, evidences, candidates, scored)

    def _codes(self, ask: Ask) -> Array:
        """The rules' verdict on every item."""
        catalogue, query = self._model.catalogue, ask.query
        numbering = self._model.numbering
        barred = Barred(
            seen=() if query.repeat else ask.chosen,
            hidden=[number for number, rule in ask.refused.items() if rule == "hidden"],
            disliked=[number for number, rule in ask.refused.items() if rule == "disliked"],
            excluded=numbering.found(query.exclude),
        )
        passed = None if query.filters == Filters() else catalogue.mask(query.filters, ask.wall_ms)
        return verdict_on(self._rules.codes(ask.wall_ms), barred, passed)

    def _items(
        self, scored: Scored, candidates: Candidates, listed: Array, because: Because | None
    ) -> list[Recommendation]:
        places, numbers = listed.tolist(), candidates.numbers[listed].tolist()
        columns: list[Iterable[Any]] = [
            map(self._model.numbering.ids.__getitem__, numbers),
            map(self._model.catalogue.title, numbers),
            scored.total[listed].tolist(),
            map(candidates.sources, places),
        ]
        if because:
            rows = zip(numbers, scored.values[listed], strict=True)
            columns.append([because.reasons(number, scored.names, values) for number, values in rows])
            columns += zip(*map(self._model.counts.heard, numbers), strict=True)
        return list(map(Recommendation, *columns))

    def _left_out(self, ask: Ask, pool: Pool, items: list[Recommendation]) -> list[LeftOut]:
        """What the rules took out: what the user or the question bars, and others that would be in the list."""
        return (self._barred(ask, pool, items) + self._capped(ask, pool, items))[:LEFT_OUT]

    def _capped(self, ask: Ask, pool: Pool, items: list[Recommendation]) -> list[LeftOut]:
        """What only the cap keeps out of the list: candidates that score higher than its last item."""
        if not self._reranking.caps(ask.query):
            return []
        scored, listed = pool.scored, {item.item_id for item in items}
        total = scored.total
        floor = items[-1].score if len(items) == ask.query.n else -np.inf
        better = [place for place in leading(scored, len(total)).tolist() if total[place] > floor]
        return [LeftOut(scored.ids[place], "capped") for place in better if scored.ids[place] not in listed]

    def _barred(self, ask: Ask, pool: Pool, items: list[Recommendation]) -> list[LeftOut]:
        evidences, found, codes = pool.evidences, pool.found, pool.codes
        everything = retrieve(evidences, self._model.numbering.used).numbers
        personal = np.array([code_of(rule) for rule in PERSONAL])
        barred = np.flatnonzero(np.isin(codes, personal))
        numbers = np.union1d(everything[codes[everything] > 0], barred)
        if not len(numbers):
            return []
        scored = self._scoring.score(ask, numbers, found)
        self._adjusting.adjust(ask, scored, numbers, shown=False)
        total = scored.total
        floor = items[-1].score if len(items) == ask.query.n else -np.inf
        return [
            LeftOut(scored.ids[place], rule_of(int(codes[numbers[place]])))
            for place in leading(scored, len(numbers)).tolist()
            if total[place] >= floor or codes[numbers[place]] in personal
        ]
