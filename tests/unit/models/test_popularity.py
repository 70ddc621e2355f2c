from __future__ import annotations

import pytest

from online_models.popularity import DecayedPopularity, Popularity
from online_models.state import pack, unpack

HOUR = 3_600_000


def test_popularity_counts_events_but_not_dislikes() -> None:
    model = Popularity()
    model.learn_many([("u", "a", 3.0, None), ("u", "b", 0.2, None), ("v", "b", 1.0, None), ("v", "c", -1.0, None)])
    assert model.scored("w", 3) == [("b", 2.0), ("a", 1.0), ("c", 0.0)]


def test_an_event_halves_every_half_life() -> None:
    model = DecayedPopularity(half_life_ms=HOUR)
    for _ in range(15):
        model.learn_one("u", "a", 1.0, {"timestamp": 10 * HOUR})
    assert model.predict_one("u", "a", {"timestamp": 12 * HOUR}) == pytest.approx(15 / 4)
    assert model.scored("u", 1, at=10 * HOUR) == [("a", 15.0)]
    assert model.scored("u", 1, at=9 * HOUR) == [("a", 15.0)]  # the past is asked as of the newest event
    late = model.predict_one("u", "a")
    model.learn_one("u", "a", 1.0, {"timestamp": 9 * HOUR})
    assert model.predict_one("u", "a") == pytest.approx(late + 0.5)


def test_a_half_life_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        DecayedPopularity(half_life_ms=0)


def test_a_state_holds_numbers_and_json_only() -> None:
    state = {"values": [1, "ü", None], "n": 2}
    assert unpack(pack(state)) == state
    with pytest.raises(TypeError):
        pack({"bad": object()})
    with pytest.raises(ValueError, match="not a saved state"):
        unpack(b"no archive")
    with pytest.raises(ValueError, match="not a saved state"):
        unpack(pack(state)[:-30])
