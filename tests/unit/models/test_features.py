from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from online_models import features
from online_models.blend import Blend
from online_models.covisits import LAST_ORDER, ORDER, PAIRS
from online_models.features import FACTS, NAMES, feature_matrix, no_evidence

Floats = npt.NDArray[np.float64]

COLUMN = {name: place for place, name in enumerate(NAMES)}
N = 7
everything = arrays(np.float64, (N, FACTS), elements=st.floats(-1e15, 1e15, allow_nan=False))


def of(fact: int, values: list[float]) -> Floats:
    """The features of candidates that differ in one fact."""
    evidence = no_evidence(len(values))
    evidence[:, fact] = values
    return feature_matrix(evidence)


@settings(deadline=None)  # the first call compiles
@given(everything)
def test_every_feature_is_finite(evidence: Floats) -> None:
    matrix = feature_matrix(evidence)
    assert matrix.shape == (N, len(NAMES))
    assert np.isfinite(matrix).all()


@settings(deadline=None)  # the first call compiles
@given(everything, st.permutations(range(N)))
def test_a_candidate_is_looked_at_alone(evidence: Floats, order: list[int]) -> None:
    np.testing.assert_array_equal(feature_matrix(evidence[order]), feature_matrix(evidence)[order])


def test_no_evidence_is_zero() -> None:
    assert not feature_matrix(no_evidence(3)).any()


@pytest.mark.parametrize(
    ("fact", "column"),
    [(PAIRS, "covisit"), (ORDER, "covisit_order"), (LAST_ORDER, "covisit_last"), (features.COUNT, "count")],
)
def test_more_evidence_is_more(fact: int, column: str) -> None:
    values = of(fact, [0.0, 0.01, 0.5, 3.0])[:, COLUMN[column]]
    assert values[0] == 0.0
    assert (np.diff(values) > 0.0).all()


@pytest.mark.parametrize(("fact", "column"), [(features.IDLE_MS, "idle"), (features.AGE_MS, "fresh")])
def test_younger_is_more(fact: int, column: str) -> None:
    values = of(fact, [-1.0, 1e18, 3e9, 1e6, 0.0])[:, COLUMN[column]]
    assert values[0] == 0.0
    assert (np.diff(values) > 0.0).all()
    assert values[-1] < 12.0


def test_the_whole_is_the_pairs_and_twice_the_order() -> None:
    evidence = no_evidence(2)
    evidence[:, [PAIRS, ORDER]] = [[0.3, 0.1], [0.5, 0.0]]
    matrix = feature_matrix(evidence)
    assert matrix[0, COLUMN["covisit"]] == matrix[1, COLUMN["covisit"]]


def test_own_items_are_told_apart() -> None:
    matrix = of(features.OWN_PLACE, [-1.0, 0.0, 4.0])
    own = [COLUMN[name] for name in ("own", "own_recent", "own_newest")]
    assert matrix[:, own].tolist() == [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.2, 0.0]]


def test_what_was_done_with_an_item_is_told() -> None:
    evidence = no_evidence(4)
    evidence[1:, features.OWN_PLACE] = 1.0
    evidence[1:, features.OWN_WEIGHT] = [0.2, 3.0, -1.0]
    matrix = feature_matrix(evidence)
    assert matrix[:, COLUMN["own_weight"]].tolist() == [0.0, 0.2, 3.0, -1.0]
    assert matrix[:, COLUMN["own_looked"]].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_an_item_is_due_at_its_usual_interval() -> None:
    day = 86_400_000.0
    evidence = no_evidence(4)
    evidence[:, features.OWN_PLACE] = 1.0
    evidence[:, features.OWN_TIMES] = 3.0
    evidence[:, features.OWN_INTERVAL_MS] = 7 * day
    evidence[:, features.OWN_IDLE_MS] = [day, 5 * day, 7 * day, 30 * day]
    due = feature_matrix(evidence)[:, COLUMN["own_due"]]
    assert due[2] == 1.0
    assert due.argsort().tolist()[::-1] == [2, 1, 3, 0]


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be \[n, 27\], got \[2, 3\]".replace("27", str(FACTS))):
        feature_matrix(np.zeros((2, 3)))


def test_the_columns_fit_the_blend() -> None:
    assert Blend(NAMES).score(of(features.COUNT, [1.0, 1.0])).tolist() == [0.0, 0.0]
