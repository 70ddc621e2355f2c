"""Other ways to give the seats that chance gave: each a probability for every item that could have had one.

A policy sees what was known before the draw, never who got the seat.

>>> seat = Seat(9, 3, 0.1, [Arm("a", 0.6, [1.0, 0.5]), Arm("b", 0.3, [1.2, 0.0], chosen=4)])
>>> SeatPolicy("score").chances(seat, ("covisit", "newest"))
([1.0, 0.0], 0.0)
>>> SeatPolicy("score", {"newest": 0.0}).chances(seat, ("covisit", "newest"))
([0.0, 1.0], 0.0)
>>> SeatPolicy("logged").chances(seat, ("covisit", "newest"))
([0.6, 0.3], 0.1)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from recommender.seats import Arm, Seat

LIFT: Final = "newcomer"
"""The part that the draw itself gave: no policy goes by it."""

POLICIES: Final[dict[str, str]] = {
    "logged": "as it was: the same probabilities again",
    "uniform": "all that could have it alike",
    "score": "the best by score; with other weights for the parts, the best by these",
    "popularity": "the most chosen so far among the best by score",
    "fewest": "the least shown so far among the best by score",
}
"""The policies by name, with what each does."""


class SeatPolicy:
    """A policy by name.

    Parameters
    ----------
    name: out of `POLICIES`.
    weights: by which factors the parts of the score are multiplied, 1 for those not named; for `score` only.

    Raises
    ------
    ValueError: for an unknown name, or weights where they change nothing.
    """

    def __init__(self, name: str, weights: Mapping[str, float] | None = None) -> None:
        if name not in POLICIES:
            raise ValueError(f"there is no policy {name}: one of {', '.join(POLICIES)}")
        if weights and name != "score":
            raise ValueError("other weights make another score: they go with the policy score")
        self.name = name
        self.weights = dict(weights or {})

    def chances(self, seat: Seat, names: Sequence[str]) -> tuple[list[float], float]:
        """The probability of each of a seat's arms, and of each of the rest of its pool."""
        arms = seat.arms
        if self.name == "logged":
            return [arm.propensity for arm in arms], seat.other
        if self.name == "uniform":
            return [1.0 / seat.pool] * len(arms), 1.0 / seat.pool
        scores = [score_of(arm, names, self.weights) for arm in arms]
        first: Callable[[int], float] = {
            "score": lambda _: 0.0,
            "popularity": lambda at: -arms[at].chosen,
            "fewest": lambda at: arms[at].shown,
        }[self.name]
        best = min(range(len(arms)), key=lambda at: (first(at), -scores[at], arms[at].item_id))
        return [float(at == best) for at in range(len(arms))], 0.0


def score_of(arm: Arm, names: Sequence[str], weights: Mapping[str, float]) -> float:
    """An arm's score before the draw, its parts multiplied by weights."""
    return sum(value * weights.get(name, 1.0) for name, value in zip(names, arm.values, strict=True) if name != LIFT)
