"""Thompson sampling with known probabilities, against River's, which draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import bandit, proba

from online_models.exploration import LEAST, RATE, TRUST, appeal_of, best_of_betas, chances, with_nearest


def test_the_probabilities_are_those_of_rivers_thompson_sampling() -> None:
    seen = {"a": (3, 17), "b": (1, 30), "c": (0, 4), "d": (6, 60)}
    policy = bandit.ThompsonSampling(reward_obj=proba.Beta(), seed=7)
    for arm, (wins, losses) in seen.items():
        for reward in [True] * wins + [False] * losses:
            policy.update(arm, reward)  # type: ignore[no-untyped-call]
    draws = 20_000
    pulled = np.zeros(len(seen))
    for _ in range(draws):
        pulled[list(seen).index(str(policy.pull(list(seen))))] += 1
    told = best_of_betas(*(np.array([1.0 + counts[side] for counts in seen.values()]) for side in (0, 1)))
    # Pearson's chi-square with 3 degrees of freedom: above 16.3 once in a thousand.
    assert float(((pulled - draws * told) ** 2 / (draws * told)).sum()) < 16.3


def test_they_hold_over_the_range_of_arms() -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        wins, losses = TRUST * rng.uniform(LEAST * RATE, RATE, 10) + rng.integers(0, 5, 10), rng.uniform(10, 500, 10)
        told = best_of_betas(wins, losses)
        drawn = np.bincount(rng.beta(wins, losses, (40_000, 10)).argmax(axis=1), minlength=10) / 40_000
        assert np.abs(told - drawn).max() < 0.01


def test_what_was_shown_in_vain_gives_way_and_what_was_chosen_comes_to_the_fore() -> None:
    even = np.ones(4)
    nothing = np.zeros(4, np.int64)
    assert chances(even, nothing, nothing) == pytest.approx(np.full(4, 0.25))
    in_vain = chances(even, np.array([100, 0, 0, 0]), nothing)
    assert in_vain[0] < 0.05
    chosen = chances(even, np.array([20, 20, 20, 20]), np.array([10, 0, 0, 0]))
    assert chosen[0] > 0.9
    # What was chosen without being shown says nothing of lists.
    assert chances(even, nothing, np.array([4, 0, 0, 0])) == pytest.approx(np.full(4, 0.25))


def test_the_score_is_what_is_known_before() -> None:
    nothing = np.zeros(3, np.int64)
    told = chances(appeal_of(np.array([2.0, 1.0, -30.0])), nothing, nothing)
    assert told[0] > 2 * told[1] > 4 * told[2] > 0.0
    # The more it was shown, the less a good score counts.
    later = chances(appeal_of(np.array([2.0, 1.0, 1.0])), np.array([300, 300, 300]), np.array([5, 60, 5]))
    assert later[1] > 0.99


def test_the_nearest_is_among_the_first() -> None:
    pool = np.array([7, 5, 3, 1])
    for alike, ordered, at in (
        ([0.1, 0.9, 0.2, 0.9], [7, 5, 3, 1], 1),
        ([0.1, 0.0, 0.2, 0.9], [7, 1, 5, 3], 1),
        ([0.0, 0.0, -0.2, 0.0], [7, 5, 3, 1], None),
    ):
        found, place = with_nearest(pool, np.array(alike), 2)
        assert (found.tolist(), place) == (ordered, at)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-700, 700), st.integers(0, 10**6), st.integers(0, 10**4)), min_size=1, max_size=12
    )
)  # fmt: skip
def test_they_are_probabilities_whatever_is_seen(arms: list[tuple[float, int, int]]) -> None:
    scores, shown, chosen = (np.array(column) for column in zip(*arms, strict=True))
    told = chances(appeal_of(scores.astype(np.float64)), shown, chosen)
    assert np.isfinite(told).all()
    assert (told >= 0.0).all()
    assert told.sum() == pytest.approx(1.0)
