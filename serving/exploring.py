"""Seats of a list for items that few have met yet, given by chance with known probabilities.

The cold candidates that are not in the list's upper part compete for its last seats. With several seats they are dealt
out to them by score in turn, so that each seat is a draw of its own and each item has one seat that it may get. Half
of the probability goes to the one nearest to what the user likes, if few have seen it yet: who wants it finds it in the
next list or the one after. The rest follows Thompson sampling among the best by score; a part goes to each of these
alike, and a part to all.
Nothing is written: what is believed of an item is read from its counts, and the dice are the request's own id.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Final

import msgspec
import numpy as np

from online_models.exploration import Floats, appeal_of, chances, count_seen, with_nearest
from recommender.numbering import Array
from recommender.query import Query
from recommender.ranking import Scored, give_seats, seekers
from recommender.read_model import ReadModel
from recommender.seats import Arm, Seat, dice
from serving.ask import choices_of

COLD_EVENTS: Final = 5
"""An item of which at most so many events counted is cold; impressions are no such events."""
ARMS: Final = 10
"""Between so many, the best by score, Thompson sampling decides."""
EVENLY: Final = 0.1
"""The probability that is spread over these alike, and again over all that could have the seat."""
NEAREST: Final = 0.5
"""The probability of the item nearest to the user's likes, on top of what it has as an arm,"""
FIRST: Final = 20
"""while it was shown at most so many times."""
PART: Final = "newcomer"
DIGITS: Final = 4
"""Decimals of the parts of arms that are recorded."""


class Draw(msgspec.Struct, frozen=True):
    """One seat's draw: who has it, and the probabilities. Places are those of the candidates.

    arms, ids, propensities, shown, chosen: [k]; taken: a place; pool: how many could have had it; other: the
    probability of each of those that are not among the arms.
    """

    taken: int
    arms: Array
    ids: list[str]
    propensities: Floats
    shown: Array
    chosen: Array
    pool: int
    other: float


class Exploring:
    """Gives seats to cold items.

    Parameters
    ----------
    share
        The share of a list's seats, 0 (none) to 1.
    """

    def __init__(self, model: ReadModel, share: float = 0.1) -> None:
        self._model = model
        self._share = share
        self._impression = model.types.codes["impression"]
        self._choices = choices_of(model.types)

    def seats(self, query: Query) -> int:
        """How many seats of a list may be given by chance: the share of its length, to the nearest number.

        None where something definite was asked for: another strategy, or a text.
        """
        if query.strategy != "default" or query.text is not None:
            return 0
        return int(query.n * self._share + 0.5)

    def give(
        self, query: Query, scored: Scored, numbers: Array, listed: Array, usable: Array | None, seats: int
    ) -> tuple[Array, list[Draw]]:
        """A list with its last seats given by chance; the rise that the items need becomes the part `newcomer`.

        Parameters
        ----------
        scored, numbers
            The candidates, [n]; places are places in them.
        listed
            Places of the list, best first.
        usable
            [n] which candidates may have a seat, where they are cold and not in the rest of the list; None: all.
        seats
            How many, at most as many as the list has.
        """
        cold = self._model.counts.counted[numbers] <= COLD_EVENTS
        ranked = seekers(scored, cold if usable is None else cold & usable, listed, seats)
        seats = min(seats, len(ranked))
        if not seats:
            return listed, []
        draws = [
            self._draw(scored, numbers, ranked[seat::seats], dice(query.request_id or "", seat))
            for seat in range(seats)
        ]
        return give_seats(scored, listed, np.array([draw.taken for draw in draws], np.int64), PART), draws

    def _draw(self, scored: Scored, numbers: Array, pool: Array, thrown: float) -> Draw:
        """One seat's draw among a pool of places, the best first; `thrown`: a number in [0, 1)."""
        ranked, alike = pool, np.zeros(len(pool)) if scored.likeness is None else scored.likeness[pool]
        pool, nearest = with_nearest(ranked, alike, ARMS)
        shown, chosen = self._seen(numbers[pool[:ARMS]])
        if nearest is not None and shown[nearest] > FIRST:  # seldom: then all are looked up
            alike = np.where(self._seen(numbers[ranked])[0] <= FIRST, alike, 0.0)
            pool, nearest = with_nearest(ranked, alike, ARMS)
            shown, chosen = self._seen(numbers[pool[:ARMS]])
        arms = pool[:ARMS]
        other = EVENLY / len(pool)
        own = 1.0 - 2.0 * EVENLY - (0.0 if nearest is None else NEAREST)
        likely = own * chances(appeal_of(scored.total[arms]), shown, chosen) + (EVENLY / len(arms) + other)
        if nearest is not None:
            likely[nearest] += NEAREST
        whole = float(likely.sum()) + other * (len(pool) - len(arms))
        likely, other = likely / whole, other / whole
        reached = list(accumulate(likely.tolist()))
        if thrown < reached[-1] or len(pool) == len(arms):
            at = min(bisect_right(reached, thrown), len(arms) - 1)
        else:
            at = min(len(arms) + int((thrown - reached[-1]) / other), len(pool) - 1)
        ids = [self._model.numbering.ids[number] for number in numbers[arms].tolist()]
        return Draw(int(pool[at]), arms, ids, likely, shown, chosen, len(pool), other)

    def _seen(self, numbers: Array) -> Array:
        """Impressions and choices of items so far, [2, n]."""
        seen = np.zeros((2, len(numbers)), np.int64)
        for counts in self._model.counts.partitions:
            count_seen(numbers, counts.local, counts.table["by_type"], self._impression, self._choices, seen)
        return seen


def seats_of(draws: list[Draw], scored: Scored, listed: Array) -> list[Seat]:
    """The record of draws, for the final order of the list."""
    places = listed.tolist()
    return [Seat(places.index(draw.taken), draw.pool, draw.other, _arms(draw, scored)) for draw in draws]


def _arms(draw: Draw, scored: Scored) -> list[Arm]:
    seen = draw.shown.tolist(), draw.chosen.tolist()
    return list(map(Arm, draw.ids, draw.propensities.tolist(), scored.rows(draw.arms, DIGITS), *seen))
