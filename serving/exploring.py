"""Seats of a list for items that few have met yet, given by chance with known probabilities.

The cold candidates that are not in the list's upper part compete for its last seats. With several seats they are dealt
out to them by score in turn, so that each seat is a draw of its own and each item has one seat that it may get. Half
of the probability goes to the one nearest to what the user likes, if few have seen it yet: who wants it finds it in the
next list or the one after. The rest follows Thompson sampling among the best by score; a part goes to each of these
alike, and a part to all.
Nothing is written: what is believed of an item is read from its counts, and the dice are the request's own id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from online_models.exploration import Floats, appeal_of, chances
from recommender.numbering import Array
from recommender.query import Query
from recommender.ranking import Scored, give_seats
from recommender.read_model import ReadModel
from recommender.seats import Arm, Seat, dice

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


@dataclass(frozen=True, slots=True)
class Draw:
    """One seat's draw: who has it, and the probabilities. Places are those of the candidates.

    arms, propensities, shown, chosen: [k]; taken: a place; pool: how many could have had it; other: the probability of
    each of those that are not among the arms.
    """

    taken: int
    arms: Array
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

    def seats(self, query: Query) -> int:
        """How many seats of a list may be given by chance: the share of its length, to the nearest number.

        None where something definite was asked for: another strategy, or a text.
        """
        if query.strategy != "default" or query.text is not None:
            return 0
        return int(query.n * self._share + 0.5)

    def give(
        self, query: Query, scored: Scored, numbers: Array, listed: Array, usable: Array, seats: int
    ) -> tuple[Array, list[Draw]]:
        """A list with its last seats given by chance; the rise that the items need becomes the part `newcomer`.

        Parameters
        ----------
        scored, numbers
            The candidates, [n]; places are places in them.
        listed
            Places of the list, best first.
        usable
            [n] which candidates may have a seat, where they are cold and not in the rest of the list.
        seats
            How many, at most as many as the list has.
        """
        cold = (self._model.counts.counted[numbers] <= COLD_EVENTS) & usable
        places = np.zeros(0, np.int64)
        while seats:
            free = cold.copy()
            free[listed[:-seats]] = False
            places = np.flatnonzero(free)
            if len(places) >= seats:
                break
            seats = len(places)
        if not seats:
            return listed, []
        total = scored.total
        known = places.tolist()
        of_place = zip((-total[places]).tolist(), [scored.ids[place] for place in known], known, strict=True)
        ranked = [place for _, _, place in sorted(of_place)]
        draws = [
            self._draw(scored, total, numbers, np.array(ranked[seat::seats]), dice(query.request_id or "", seat))
            for seat in range(seats)
        ]
        return give_seats(scored, listed, np.array([draw.taken for draw in draws], np.int64), PART), draws

    def _draw(self, scored: Scored, total: Floats, numbers: Array, pool: Array, thrown: float) -> Draw:
        """One seat's draw among a pool of places, the best first; `thrown`: a number in [0, 1)."""
        pool, nearest = self._with_nearest(scored, numbers, pool)
        arms = pool[:ARMS]
        shown, chosen = self._seen(numbers[arms])
        likely = (1.0 - 2.0 * EVENLY) * chances(appeal_of(total[arms]), shown, chosen)
        if nearest is not None:
            likely *= (1.0 - 2.0 * EVENLY - NEAREST) / (1.0 - 2.0 * EVENLY)
            likely[nearest] += NEAREST
        other = EVENLY / len(pool)
        likely += EVENLY / len(arms) + other
        whole = likely.sum() + other * (len(pool) - len(arms))
        likely, other = likely / whole, other / whole
        reached = np.cumsum(likely)
        if thrown < reached[-1] or len(pool) == len(arms):
            at = min(int(np.searchsorted(reached, thrown, "right")), len(arms) - 1)
        else:
            at = min(len(arms) + int((thrown - reached[-1]) / other), len(pool) - 1)
        return Draw(int(pool[at]), arms, likely, shown, chosen, len(pool), float(other))

    def _with_nearest(self, scored: Scored, numbers: Array, pool: Array) -> tuple[Array, int | None]:
        """The pool with the item nearest to the user's likes among its first `ARMS`, and which of these it is."""
        if scored.likeness is None:
            return pool, None
        alike = np.where(self._seen(numbers[pool])[0] <= FIRST, scored.likeness[pool], 0.0)
        at = int(alike.argmax())
        if alike[at] <= 0.0:
            return pool, None
        if at < ARMS:
            return pool, at
        last = ARMS - 1
        return np.concatenate((pool[:last], pool[at : at + 1], pool[last:at], pool[at + 1 :])), last

    def _seen(self, numbers: Array) -> tuple[Array, Array]:
        """Impressions and choices of items so far."""
        types = self._model.types
        counted = self._model.counts.by_types(numbers)
        choices = np.array([types.is_choice(name) for name in types.names])
        return counted[:, types.codes["impression"]], counted[:, choices].sum(axis=1)


def seats_of(draws: list[Draw], scored: Scored, listed: Array) -> list[Seat]:
    """The record of draws, for the final order of the list."""
    at = {place: position for position, place in enumerate(listed.tolist())}
    return [Seat(at[draw.taken], draw.pool, draw.other, _arms(draw, scored)) for draw in draws]


def _arms(draw: Draw, scored: Scored) -> list[Arm]:
    columns = (
        [scored.ids[place] for place in draw.arms.tolist()],
        draw.propensities.tolist(),
        np.round(scored.values[draw.arms], DIGITS).tolist(),
        draw.shown.tolist(),
        draw.chosen.tolist(),
    )
    return [Arm(*fields) for fields in zip(*columns, strict=True)]
