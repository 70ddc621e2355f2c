"""Estimates of a policy from the choices of another: on data whose true value is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from recommender.off_policy import Estimate, Floats, doubly_robust, folds, ips, snips, student

ARMS, KINDS, SAMPLES = 8, 20, 1_500


@dataclass
class Bandit:
    """Contexts of some kinds, a click rate for each kind and arm, a policy that ran and another one: all known."""

    rates: Floats
    logging: Floats
    target: Floats

    @classmethod
    def planted(cls, seed: int) -> Bandit:
        rng = np.random.default_rng(seed)
        rates = rng.beta(1.5, 12.0, (KINDS, ARMS))
        # The policy that ran knows little, and tries everything; the other one knows more.
        logging = 0.8 * rng.dirichlet(np.ones(ARMS), KINDS) + 0.2 / ARMS
        target = np.exp(12.0 * (rates + rng.normal(0.0, 0.05, rates.shape)))
        return cls(rates, logging, target / target.sum(axis=1, keepdims=True))

    @property
    def value(self) -> float:
        return float((self.target * self.rates).sum(axis=1).mean())

    def run(self, seed: int) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        kinds = rng.integers(KINDS, size=SAMPLES)
        arms = (rng.random((SAMPLES, 1)) > np.cumsum(self.logging, axis=1)[kinds]).sum(axis=1)
        arms = np.minimum(arms, ARMS - 1)
        rewards = (rng.random(SAMPLES) < self.rates[kinds, arms]).astype(np.float64)
        # A model that was fitted elsewhere: near to the truth, and biased.
        model = np.clip(self.rates * 0.8 + 0.05 + rng.normal(0.0, 0.02, self.rates.shape), 0.0, 1.0)
        return {
            "rewards": rewards,
            "propensities": self.logging[kinds, arms],
            "target": self.target[kinds, arms],
            "modelled": model[kinds, arms],
            "expected": (self.target * model).sum(axis=1)[kinds],
        }


def estimates(data: dict[str, Any]) -> dict[str, Estimate]:
    plain = {name: data[name] for name in ("rewards", "propensities", "target")}
    return {"ips": ips(**plain), "snips": snips(**plain), "dr": doubly_robust(**data)}


def test_the_true_value_lies_in_the_interval_in_90_of_100_runs() -> None:
    held = dict.fromkeys(("ips", "snips", "dr"), 0)
    widths: dict[str, list[float]] = {name: [] for name in held}
    errors: dict[str, list[float]] = {name: [] for name in held}
    for seed in range(100):
        bandit = Bandit.planted(seed)
        for name, found in estimates(bandit.run(1_000 + seed)).items():
            held[name] += found.low <= bandit.value <= found.high
            widths[name].append(found.high - found.low)
            errors[name].append(found.value - bandit.value)
    assert min(held.values()) >= 90, held
    # An interval that holds everything is no estimate: the rate is some .3, and they are narrower than half of it.
    assert max(np.mean(width) for width in widths.values()) < 0.15
    assert np.mean(widths["dr"]) < np.mean(widths["ips"])
    for name, values in errors.items():  # unbiased: the mean error is within 3 of its own standard errors
        assert abs(np.mean(values)) < 3.0 * np.std(values) / 10.0, name


def test_the_reward_of_the_policy_that_ran_is_its_mean() -> None:
    rewards, propensities = np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.5, 0.2, 0.1, 0.9])
    for found in (ips(rewards, propensities, propensities), snips(rewards, propensities, propensities)):
        assert found.value == pytest.approx(0.5)
        assert found.effective == pytest.approx(4.0)


def test_a_policy_that_always_does_one_thing() -> None:
    # It was done in half of the cases, and earned each time.
    rewards, propensities = np.array([1.0, 0.0] * 50), np.full(100, 0.5)
    target = np.array([1.0, 0.0] * 50)
    assert ips(rewards, propensities, target).value == pytest.approx(1.0)
    assert snips(rewards, propensities, target).value == pytest.approx(1.0)
    assert snips(rewards, propensities, target).effective == pytest.approx(50.0)


def test_a_right_model_is_corrected_by_nothing_and_a_wrong_one_by_much() -> None:
    data = Bandit.planted(3).run(4)
    base = ips(**{name: data[name] for name in ("rewards", "propensities", "target")})
    empty = np.zeros(SAMPLES)
    assert doubly_robust(**{**data, "modelled": empty, "expected": empty}) == base
    right = doubly_robust(**{**data, "modelled": data["rewards"], "expected": np.full(SAMPLES, 0.25)})
    assert (right.value, right.low, right.high) == (0.25, 0.25, 0.25)


def test_clipping_lowers_the_estimate_and_says_how_often() -> None:
    rewards, propensities = np.ones(10), np.array([0.01] + [1.0] * 9)
    whole, cut = ips(rewards, propensities, np.ones(10)), ips(rewards, propensities, np.ones(10), clip=5.0)
    assert whole.value == pytest.approx(10.9)
    assert cut.value == pytest.approx(1.4)
    assert (whole.clipped, cut.clipped) == (0.0, 0.1)
    assert cut.effective > whole.effective


def test_no_reward_at_all_is_no_proof_of_none() -> None:
    found = ips(np.zeros(30), np.full(30, 0.5), np.full(30, 0.5))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.1)


def test_samples_of_one_user_do_not_count_as_many() -> None:
    rng = np.random.default_rng(5)
    users = np.repeat(np.arange(40), 25)
    rewards = np.repeat((rng.random(40) < 0.3).astype(np.float64), 25)  # each user always, or never
    one = np.ones(1_000)
    alone, grouped = ips(rewards, one, one), ips(rewards, one, one, groups=users)
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 4.0 * (alone.high - alone.low)


def test_folds_keep_a_group_whole() -> None:
    users = np.array([3, 3, 9, 1, 9, 4])
    found = folds(users)
    assert all(len(set(found[users == user])) == 1 for user in users)
    assert set(found) == {0, 1}


@pytest.mark.parametrize(
    ("freedom", "of_80", "of_95"),
    [
        (1.0, 3.0777, 12.7062), (2.0, 1.8856, 4.3027), (3.0, 1.6377, 3.1824), (5.0, 1.4759, 2.5706),
        (10.0, 1.3722, 2.2281), (100.0, 1.2901, 1.9840), (1e6, 1.2816, 1.9600),
    ],
)  # fmt: skip
def test_the_quantiles_are_students(freedom: float, of_80: float, of_95: float) -> None:
    assert student(0.8, freedom) == pytest.approx(of_80, rel=0.01)
    assert student(0.95, freedom) == pytest.approx(of_95, rel=0.01)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"propensities": np.array([0.5, 0.0])}, "propensities"),
        ({"propensities": np.array([0.5, -0.1])}, "propensities"),
        ({"propensities": np.array([0.5, 1.1])}, "propensities"),
        ({"propensities": np.array([0.5])}, "propensities must be"),
        ({"target": np.array([0.5, 2.0])}, "target"),
        ({"rewards": np.array([0.5, np.nan])}, "rewards must be finite"),
        ({"rewards": np.zeros(0), "propensities": np.zeros(0), "target": np.zeros(0)}, "no samples"),
        ({"clip": 0.0}, "clip"),
    ],
)
def test_what_can_not_be_is_refused(change: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {
        "rewards": np.ones(2), "propensities": np.full(2, 0.5), "target": np.full(2, 0.5), **change
    }  # fmt: skip
    for estimate in (ips, snips):
        with pytest.raises(ValueError, match=told):
            estimate(**given)


def test_policies_with_nothing_in_common() -> None:
    with pytest.raises(ValueError, match="nothing can be said"):
        snips(np.ones(2), np.full(2, 0.5), np.zeros(2))
    with pytest.raises(ValueError, match="modelled must be"):
        doubly_robust(np.ones(2), np.full(2, 0.5), np.full(2, 0.5), np.ones(3), np.ones(2))
