from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from online_models.blend import BUCKET_SHARE, BUCKETS, OPEN, TABLES, WALK, Blend, bucket, tables_of
from online_models.state import pack, unpack

Floats = npt.NDArray[np.float64]

NAMES = ("a", "b", "c")
numbers = st.floats(-20, 20, allow_nan=False, width=32)
matrices = st.integers(1, 30).flatmap(lambda n: arrays(np.float64, (n, 3), elements=numbers))


def twin_step(features: Floats, target: int, weights: Floats, metrics: Floats) -> tuple[Floats, Floats]:
    """One Newton step of a conditional logit in plain NumPy; the tables in force are rows of `weights`."""
    scores = features @ weights.sum(axis=0)
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    gradient = features[target] - chances @ features
    moved, opened = weights.copy(), metrics.copy()
    for table, share in enumerate((1.0, BUCKET_SHARE, BUCKET_SHARE)):
        inverse = np.linalg.inv(np.linalg.inv(metrics[table]) + np.outer(gradient, gradient))
        moved[table] += share * inverse @ gradient
        opened[table] = inverse + np.diag(np.where(np.diag(inverse) < OPEN, WALK, 0.0))
    return moved, opened


@settings(deadline=None)  # the first call compiles
@given(matrices, st.data())
def test_a_step_is_newtons_on_the_softmax(features: Floats, data: st.DataObject) -> None:
    blend = Blend(NAMES, {"a": 1.0})
    weights, metrics = np.array([[1.0, 0.0, 0.0], [0.0] * 3, [0.0] * 3]), np.tile(OPEN * np.eye(3), (3, 1, 1))
    for _ in range(3):
        target = data.draw(st.integers(0, len(features) - 1))
        blend.learn(features, target, 5, 1000.0)
        weights, metrics = twin_step(features, target, weights, metrics)
        found = list(blend.weights(5, 1000.0).values())
        np.testing.assert_allclose(found, weights.sum(axis=0), rtol=1e-5, atol=1e-5)


@settings(deadline=None)  # the first call compiles
@given(matrices, st.integers(0, 50))
def test_parts_add_up_to_the_score(features: Floats, history: int) -> None:
    blend = Blend(NAMES, {"a": 0.3, "b": -1.7, "c": 0.1})
    blend.learn(features, 0, history)
    np.testing.assert_allclose(blend.parts(features, history).sum(axis=1), blend.score(features, history), atol=1e-6)


@settings(deadline=None)  # the first call compiles
@given(matrices)
def test_a_score_does_not_depend_on_the_other_rows(features: Floats) -> None:
    blend = Blend(NAMES, {"a": 0.3, "b": -1.7, "c": 0.1})
    alone = [float(blend.score(features[row : row + 1])[0]) for row in range(len(features))]
    assert blend.score(features).tolist() == alone


def test_the_sign_that_tells_is_found() -> None:
    rng = np.random.default_rng(0)
    blend = Blend(NAMES, {"a": 1.0})
    for _ in range(400):
        features = rng.normal(size=(50, 3))
        blend.learn(features, int(np.argmax(features[:, 1])))
    weights = blend.weights()
    assert weights["b"] > 1.0
    assert abs(weights["a"]) < 0.3
    assert abs(weights["c"]) < 0.3
    assert blend.version == 400


def test_a_bucket_learns_for_itself() -> None:
    rng = np.random.default_rng(0)
    blend = Blend(NAMES)
    for number in range(600):
        features = rng.normal(size=(30, 3))
        history = (0, 50)[number % 2]
        blend.learn(features, int(np.argmax(features[:, 0] * (1 if history else -1))), history)
    assert blend.weights(0)["a"] < 0.0 < blend.weights(50)["a"]
    assert [bucket(history) for history in (0, 1, 2, 3, 9, 10, 10**9)] == [0, 1, 1, 2, 2, 3, 3]
    assert len(BUCKETS) == 4


def test_a_gap_learns_for_itself() -> None:
    rng = np.random.default_rng(0)
    blend = Blend(NAMES)
    for number in range(600):
        features = rng.normal(size=(30, 3))
        gap = (60_000.0, 90_000_000.0)[number % 2]
        blend.learn(features, int(np.argmax(features[:, 0] * (1 if gap > 1e6 else -1))), 20, gap)
    assert blend.weights(20, 60_000.0)["a"] < 0.0 < blend.weights(20, 90_000_000.0)["a"]
    gaps = [-1.0, 0.0, 1_799_999.0, 1_800_000.0, 86_400_000.0, 1e15]
    assert [int(tables_of(0, gap)[2]) - 1 - len(BUCKETS) for gap in gaps] == [0, 1, 1, 2, 3, 3]
    assert max(int(tables_of(99, gap)[2]) for gap in gaps) == TABLES - 1


def test_weights_follow_a_drift_after_much_was_learned() -> None:
    rng = np.random.default_rng(0)
    blend = Blend(NAMES)
    for sign, events in ((1.0, 5_000), (-1.0, 1_000)):
        for _ in range(events):
            features = rng.normal(size=(20, 3))
            blend.learn(features, int(np.argmax(sign * features[:, 0] + rng.gumbel(size=20))), 20, 1000.0)
    assert blend.weights(20, 1000.0)["a"] < -0.5


def test_a_reader_takes_over_what_was_published() -> None:
    blend, reader = Blend(NAMES), Blend(("c", "a"))
    rng = np.random.default_rng(0)
    for _ in range(9):
        blend.learn(rng.normal(size=(9, 3)), 4, 2)
    reader.take_published(blend.published())
    assert reader.version == 9
    assert reader.weights(7) == {name: blend.weights(7)[name] for name in ("c", "a")}
    with pytest.raises(ValueError, match="2 tables"):
        reader.take_published(blend.published() | {"tables": np.zeros((2, 3))})


def test_wrong_input_is_refused_and_changes_nothing() -> None:
    blend = Blend(NAMES, {"a": 1.0})
    before = pack(blend.state_dict())
    with pytest.raises(ValueError, match=r"must be \[n, 3\], got \[2, 2\]"):
        blend.score(np.zeros((2, 2)))
    with pytest.raises(IndexError, match="no row 2 among 2"):
        blend.learn(np.zeros((2, 3)), 2)
    with pytest.raises(IndexError):
        blend.learn(np.zeros((0, 3)), 0)
    with pytest.raises(ValueError, match="finite"):
        blend.learn(np.array([[1.0, np.nan, 0.0]]), 0)
    with pytest.raises(ValueError, match="unknown parts: d"):
        Blend(NAMES, {"d": 1.0})
    assert pack(blend.state_dict()) == before


def test_a_saved_blend_goes_on_alike_and_takes_new_parts() -> None:
    rng = np.random.default_rng(0)
    blend, copy = Blend(NAMES, {"a": 1.0}), Blend(NAMES)
    for _ in range(20):
        blend.learn(rng.normal(size=(9, 3)), 4, 2)
    copy.load_state(unpack(pack(blend.state_dict())))
    for either in (blend, copy):
        either.learn(np.eye(3), 1, 7)
    assert pack(blend.state_dict()) == pack(copy.state_dict())
    wider = Blend(("new", "c", "a", "b"), {"new": 0.5})
    wider.load_state(blend.state_dict())
    assert wider.weights(7) == {"new": 0.5, **blend.weights(7)}
    narrow = blend.state_dict() | {"tables": np.zeros((2, 3))}
    with pytest.raises(ValueError, match="2 tables"):
        copy.load_state(narrow)


def test_a_step_takes_microseconds() -> None:
    blend, features = Blend([f"f{n}" for n in range(16)]), np.random.default_rng(0).normal(size=(450, 16))
    blend.learn(features, 0)
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(20):
            blend.learn(features, 7)
        best = min(best, (time.perf_counter() - start) / 20)
    assert best < 200e-6  # some 20 us on an idle core
