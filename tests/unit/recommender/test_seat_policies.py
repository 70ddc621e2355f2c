"""Who would get a seat by another policy."""

from __future__ import annotations

import pytest

from recommender.seat_policies import POLICIES, SeatPolicy
from recommender.seats import Arm, Seat

NAMES = ("covisit", "content", "newcomer")
SEAT = Seat(
    9, 8, 0.02,
    [
        Arm("a", 0.52, [2.0, 0.1, 0.0], shown=40, chosen=2),
        Arm("b", 0.2, [1.0, 0.5, 3.0], shown=3, chosen=2),
        Arm("c", 0.15, [0.5, 0.9, 0.0], shown=3, chosen=0),
        Arm("d", 0.05, [0.1, 0.1, 0.0], shown=90, chosen=1),
    ],
)  # fmt: skip


def taken(name: str, **weights: float) -> str:
    chances, rest = SeatPolicy(name, weights).chances(SEAT, NAMES)
    assert (sum(chances), rest) == (1.0, 0.0)
    return SEAT.arms[chances.index(1.0)].item_id


def test_the_best_by_score_without_the_lift_that_the_draw_gave() -> None:
    assert taken("score") == "a"
    assert taken("score", covisit=0.1) == "c"
    assert taken("score", covisit=-1.0, content=0.0) == "d"
    assert taken("score", newcomer=5.0) == "a"


def test_by_choices_and_by_impressions_ties_by_score() -> None:
    assert taken("popularity") == "a"
    assert taken("fewest") == "b"


@pytest.mark.parametrize("name", POLICIES)
def test_each_is_a_probability_over_the_pool(name: str) -> None:
    chances, rest = SeatPolicy(name).chances(SEAT, NAMES)
    assert sum(chances) + rest * (SEAT.pool - len(SEAT.arms)) == pytest.approx(1.0)
    assert min([*chances, rest]) >= 0.0


def test_what_is_no_policy() -> None:
    with pytest.raises(ValueError, match="logged, uniform"):
        SeatPolicy("best")
    with pytest.raises(ValueError, match="score"):
        SeatPolicy("uniform", {"content": 2.0})
