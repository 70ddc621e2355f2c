"""Bytes of vectors and interests, and what interests come to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.vectors import (
    LONG,
    SHORT,
    BadVectorError,
    Decay,
    Interests,
    ItemVector,
    RunningMean,
    StoredVector,
    build_interests,
    check_vector,
    decayed_weights,
    decode_interests,
    decode_item_vector,
    decode_stored,
    interest,
    space_id,
    text_hash,
)

DAY = 86_400_000
numbers = st.floats(-1e3, 1e3, width=32)
anything = arrays(np.float32, st.integers(1, 40), elements=numbers).filter(lambda a: float(np.abs(a).max()) > 1e-2)


@given(anything, st.sampled_from(["f16", "f32"]), st.integers(-1, 2**62))
def test_a_record_of_item_vectors_comes_back(raw: np.ndarray, dtype: str, offset: int) -> None:
    sent = ItemVector(check_vector(raw), "m", "s", offset)
    value, headers = sent.encode(dtype)
    back = decode_item_vector(value, headers, raw.size)
    np.testing.assert_allclose(back.vector, sent.vector, atol=1e-3 if dtype == "f16" else 0)
    assert (back.model, back.space, back.offset) == ("m", "s", offset)


@given(anything)
def test_a_vector_keeps_its_bits_from_place_to_place(raw: np.ndarray) -> None:
    value, headers = ItemVector(check_vector(raw), "m", "s").encode("f16")
    once = decode_item_vector(value, headers).vector
    assert ItemVector(once, "m", "s").encode("f16")[0] == value
    stored = decode_stored(StoredVector(once, 5, 6, b"12345678").encode())
    np.testing.assert_array_equal(stored.vector, once)
    assert (stored.offset, stored.encoded_ms, stored.text_hash) == (5, 6, b"12345678")


def test_only_the_three_headers_of_the_contract_are_needed() -> None:
    headers = [("model", b"theirs"), ("dim", b"2"), ("dtype", b"f32")]
    found = decode_item_vector(np.array([3, 4], "<f4").tobytes(), headers)
    np.testing.assert_allclose(found.vector, [0.6, 0.8], atol=1e-6)
    assert (found.space, found.offset) == ("theirs", -1)


GOOD = {"model": b"m", "dim": b"2", "dtype": b"f32"}


@pytest.mark.parametrize(
    ("value", "changes"),
    [
        (b"", {}),
        (b"1234", {}),
        (b"123456789", {}),
        (np.zeros(2, "<f4").tobytes(), {}),
        (np.array([np.nan, 1], "<f4").tobytes(), {}),
        (np.array([np.inf, 1], "<f4").tobytes(), {}),
        (np.ones(2, "<f4").tobytes(), {"dim": b"3"}),
        (np.ones(2, "<f4").tobytes(), {"dim": b"-2"}),
        (np.ones(2, "<f4").tobytes(), {"dim": b"9" * 400}),
        (np.ones(2, "<f4").tobytes(), {"dim": b"\xff"}),
        (np.ones(2, "<f4").tobytes(), {"dtype": b"f64"}),
        (np.ones(2, "<f4").tobytes(), {"model": b""}),
        (np.ones(2, "<f4").tobytes(), {"offset": b"x"}),
    ],
)
def test_bad_records_are_refused(value: bytes, changes: dict[str, bytes]) -> None:
    with pytest.raises(BadVectorError):
        decode_item_vector(value, list({**GOOD, **changes}.items()), 2)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_or_read(value: bytes) -> None:
    for decode in (decode_stored, decode_interests):
        try:
            decode(value)
        except BadVectorError:
            continue


def test_spaces_differ_by_everything_that_changes_vectors() -> None:
    assert (
        len({space_id("m", "w", 2, 3), space_id("n", "w", 2, 3), space_id("m", "v", 2, 3), space_id("m", "w", 3, 3)})
        == 4
    )
    assert text_hash("a") != text_hash("b")
    assert len(text_hash("\ud800")) == 8


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=40))
def test_the_running_mean_is_the_mean(steps: list[tuple[int, bool]]) -> None:
    vectors = np.random.default_rng(1).normal(size=(6, 3))
    mean, held = RunningMean(3), dict[int, np.ndarray]()
    for place, (name, put) in enumerate(steps):
        new = vectors[place % 6]
        if put and name in held:
            mean.replace(held[name], new)
            held[name] = new
        elif put:
            mean.add(new)
            held[name] = new
        elif name in held:
            mean.remove(held.pop(name))
    expected = np.mean(list(held.values()), axis=0) if held else np.zeros(3)
    np.testing.assert_allclose(mean.value, expected, atol=1e-6)
    assert mean.count == len(held)


def test_weights_halve_with_the_half_life_and_fall_with_rank() -> None:
    found = decayed_weights([1, 1, 1], [0, DAY, 2 * DAY], 2 * DAY, Decay(DAY, 1.0))
    np.testing.assert_allclose(found, [0.25, 0.5, 1.0])
    found = decayed_weights([1, 2, -1], [5, 5, 5], 5, Decay(DAY, 0.5))
    np.testing.assert_allclose(found, [0.25, 1.0, -1.0])


def test_one_wrong_clock_does_not_drown_the_others() -> None:
    right = decayed_weights([1, 1], [DAY, 2 * DAY], 2 * DAY, LONG)
    wrong = decayed_weights([1, 1], [DAY, 253_402_300_799_999], 2 * DAY, LONG)
    np.testing.assert_allclose(wrong, right)


def test_who_returns_after_years_still_has_interests() -> None:
    vector, weight = interest([[1, 0], [0, 1]], [1, 1], [1, 2], 40 * 365 * DAY, SHORT)
    assert weight > 0.5
    assert np.linalg.norm(vector) > 0.5


def test_what_was_refused_is_pushed_away() -> None:
    made = build_interests("s", [np.array([1, 0], np.float32), np.array([0, 1], np.float32)], [1, -1], [1, 1], 1)
    assert made is not None
    query = made.query(np.zeros(2, np.float32))
    assert query is not None
    assert query[0] > 0 > query[1]
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)


def test_the_mean_is_subtracted_as_it_stands_when_the_search_is_made() -> None:
    common = np.array([5, 0, 0], np.float32)
    vectors = [check_vector(common + np.array([0, 1, 0])), check_vector(common + np.array([0, 0, 1]))]
    mean = np.mean(vectors, axis=0).astype(np.float32)
    made = build_interests("s", [vectors[0]], [2.0], [1], 1)
    assert made is not None
    query = decode_interests(made.encode()).query(mean)
    assert query is not None
    np.testing.assert_allclose(query, (vectors[0] - mean) / np.linalg.norm(vectors[0] - mean), atol=0.02)


def test_late_vectors_give_what_early_ones_would_have() -> None:
    vectors = [check_vector(row) for row in np.random.default_rng(2).normal(size=(5, 4))]
    weights, times = [1, 2, -1, 1, 3], [1, 2, 3, 4, 5]
    some = [vectors[0], None, vectors[2], None, vectors[4]]
    partly = build_interests("s", some, weights, times, 5)
    assert partly is not None
    assert (partly.missing, partly.seen) == ((1, 3), 5)
    whole = build_interests("s", vectors, weights, times, 5)
    assert whole is not None
    rest = [0 if vector is not None else weight for vector, weight in zip(some, weights, strict=True)]
    missed = build_interests("s", vectors, rest, times, 5)
    assert missed is not None
    np.testing.assert_allclose(partly.long + missed.long, whole.long, atol=1e-5)
    assert build_interests("s", [None, None], [1, 1], [1, 1], 1) is None


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
