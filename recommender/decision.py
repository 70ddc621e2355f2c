"""A decision: the record of a list that was served, with every part of its scores.

>>> made = Decision("r7", "u1", 5, {"interactions": [3]}, [], Parts(["count"], []), [], Versions(4, "minilm"))
>>> decode_decision(msgspec.json.encode(made)) == made
True
"""

from __future__ import annotations

from typing import Final

import msgspec

from recommender.facts import Facts
from recommender.query import Parts, Recommendation, RecommendationList, Served, Versions
from recommender.seats import Seat


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was served, when (ms), to whom, of which state, by which weights and index.

    propensities: with which probability each item had its place, given the state and the question: 1 but for `seats`,
    which are given by chance. A list for nobody in particular has no user_id. facts: of lists that the click model
    learns from.
    """

    request_id: str
    user_id: str | None
    timestamp: int
    position: dict[str, list[int]]
    items: list[Recommendation]
    parts: Parts
    propensities: list[float]
    versions: Versions
    took_ms: float = 0.0
    facts: Facts | None = None
    seats: list[Seat] = []


_DECODER: Final = msgspec.json.Decoder(Decision)


def decision_of(served: RecommendationList, now_ms: int) -> Decision:
    """The record of a served list; one that does not know its parts is recorded without."""
    known = served if isinstance(served, Served) else None
    seats = known.seats if known else []
    propensities = [1.0] * len(served.items)
    for seat in seats:
        propensities[seat.place] = seat.propensity(served.items[seat.place].item_id)
    return Decision(
        served.request_id,
        served.user_id,
        now_ms,
        served.position,
        served.items,
        known.parts if known else Parts([], []),
        propensities,
        known.versions if known else Versions(0, ""),
        served.took_ms,
        facts=known.facts if known else None,
        seats=seats,
    )


def decode_decision(value: bytes) -> Decision:
    """A decision from its record; raises `msgspec.DecodeError` for anything else."""
    return _DECODER.decode(value)
