"""Bytes of vectors, their checks and their mean."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.vectors import (
    BadVectorError,
    ItemVector,
    RunningMean,
    StoredVector,
    check_vector,
    decode_item_vector,
    decode_stored,
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
    with suppress(BadVectorError):
        decode_stored(value)


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
