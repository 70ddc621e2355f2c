"""What a user's interests come to, and their bytes."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.interests import LONG, SHORT, Decay, Interests, build_interests, decode_interests, encode_interests
from recommender.vectors import BadVectorError, Vector, check_vector

DAY = 86_400_000


def made_of(
    vectors: Sequence[Vector | None], weights: Sequence[float], times: Sequence[int], now: int, long: Decay = LONG
) -> Interests | None:
    """Interests from vectors some of which may be missing."""
    dim = next((vector.size for vector in vectors if vector is not None), 2)
    matrix = np.stack([np.full(dim, np.nan, np.float32) if vector is None else vector for vector in vectors])
    places = np.array([-1 if vector is None else place for place, vector in enumerate(vectors)])
    return build_interests("s", matrix, places, weights, times, now, SHORT, long)


def shares(weights: Sequence[float], times: Sequence[int], now: int, decay: Decay) -> Vector:
    """What each event adds: with vectors at right angles, the numbers of their sum."""
    made = made_of(list(np.eye(len(weights), dtype=np.float32)), weights, times, now, decay)
    assert made is not None
    assert made.long_weight == pytest.approx(made.long.sum(), abs=1e-6)
    return made.long


def test_weights_halve_with_the_half_life_and_fall_with_rank() -> None:
    np.testing.assert_allclose(shares([1, 1, 1], [0, DAY, 2 * DAY], 2 * DAY, Decay(DAY, 1.0)), [0.25, 0.5, 1.0])
    np.testing.assert_allclose(shares([1, 2, -1], [5, 5, 5], 5, Decay(DAY, 0.5)), [0.25, 1.0, -1.0])


def test_one_wrong_clock_does_not_drown_the_others() -> None:
    right = shares([1, 1], [DAY, 2 * DAY], 2 * DAY, LONG)
    np.testing.assert_allclose(shares([1, 1], [DAY, 253_402_300_799_999], 2 * DAY, LONG), right)


def test_who_returns_after_years_still_has_interests() -> None:
    found = shares([1, 1], [1, 2], 40 * 365 * DAY, SHORT)
    assert found.sum() > 0.5


def test_what_was_refused_is_pushed_away() -> None:
    made = made_of(list(np.eye(2, dtype=np.float32)), [1, -1], [1, 1], 1)
    assert made is not None
    query = made.query(np.zeros(2, np.float32))
    assert query is not None
    assert query[0] > 0 > query[1]
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)


def test_the_mean_is_subtracted_as_it_stands_when_the_search_is_made() -> None:
    common = np.array([5, 0, 0], np.float32)
    vectors = [check_vector(common + np.array([0, 1, 0])), check_vector(common + np.array([0, 0, 1]))]
    mean = np.mean(vectors, axis=0).astype(np.float32)
    made = made_of([vectors[0]], [2.0], [1], 1)
    assert made is not None
    query = decode_interests(made.encode()).query(mean)
    assert query is not None
    np.testing.assert_allclose(query, (vectors[0] - mean) / np.linalg.norm(vectors[0] - mean), atol=0.02)


def test_late_vectors_give_what_early_ones_would_have() -> None:
    vectors = [check_vector(row) for row in np.random.default_rng(2).normal(size=(5, 4))]
    weights, times = [1, 2, -1, 1, 3], [1, 2, 3, 4, 5]
    some = [vectors[0], None, vectors[2], None, vectors[4]]
    partly = made_of(some, weights, times, 5)
    assert partly is not None
    assert (partly.missing, partly.seen) == ((1, 3), 5)
    whole = made_of(vectors, weights, times, 5)
    assert whole is not None
    rest = [0 if vector is not None else weight for vector, weight in zip(some, weights, strict=True)]
    missed = made_of(vectors, rest, times, 5)
    assert missed is not None
    np.testing.assert_allclose(partly.long + missed.long, whole.long, atol=1e-5)
    assert made_of([None, None], [1, 1], [1, 1], 1) is None


@given(
    arrays(np.float32, 6, elements=st.floats(-50, 50, width=32)),
    st.floats(-50, 50, width=32),
    st.integers(0, 300),
    st.sets(st.integers(0, 299), max_size=10),
)
def test_a_row_of_interests_comes_back_up_to_a_factor(
    vector: np.ndarray, weight: float, seen: int, missing: set[int]
) -> None:
    row = Interests("0123456789abcdef", vector, weight, -vector, weight, seen, tuple(sorted(missing)))
    back = decode_interests(row.encode())
    assert (back.space, back.seen, back.missing) == (row.space, row.seen, row.missing)
    largest = float(np.abs(vector).max())
    if largest > 1e-3:
        np.testing.assert_allclose(back.short * largest, vector, atol=largest * 1e-3)
        assert back.short_weight * largest == pytest.approx(weight, rel=1e-4, abs=1e-4)
    assert len(row.encode()) == 30 + 2 * len(missing) + 4 * 6


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_or_read(value: bytes) -> None:
    with suppress(BadVectorError):
        decode_interests(value)


@given(st.lists(st.lists(st.tuples(st.integers(-1, 3), st.integers(-3, 3), st.integers(0, 9)), min_size=1), max_size=4))
def test_several_histories_at_once_are_each_by_itself(histories: list[list[tuple[int, int, int]]]) -> None:
    vectors = np.random.default_rng(3).normal(size=(4, 5)).astype(np.float32)
    flat = [event for history in histories for event in history]
    places, weights, days = (np.array([event[part] for event in flat], np.int64) for part in range(3))
    ends = np.cumsum([len(history) for history in histories], dtype=np.int64)
    found = encode_interests("s", vectors, places, ends, weights.astype(np.float64), days * DAY, 5 * DAY)
    for history, row in zip(histories, found, strict=True):
        own = [None if place < 0 else vectors[place] for place, _, _ in history]
        alone = made_of(own, [weight for _, weight, _ in history], [day * DAY for _, _, day in history], 5 * DAY)
        assert row == (alone.encode() if alone else None)
