"""What another policy would have earned, estimated from what one policy did and earned.

A sample is one choice of the policy that ran: its reward, the probability with which it chose what it chose
(propensity), and the probability with which the other policy would have chosen the same. Only what the first policy
could do can be estimated: where it has no probability, no data tells.

>>> rewards, propensities = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.5, 0.5])
>>> found = ips(rewards, propensities, np.array([0.5, 0.5, 0.5, 0.5]))
>>> found.value, found.effective
(0.5, 4.0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL: Final = 0.95
SILENT: Final = 3.0
"""So many trials over n is the rate that shows itself at least once in n trials with 95 % (the rule of three)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean reward of a policy a sample, and the interval that holds it.

    samples: how many; effective: how many samples drawn by the policy itself would tell as much, (sum w)^2 / sum w^2;
    clipped: the share of weights that were cut.
    """

    value: float
    low: float
    high: float
    samples: int
    effective: float
    clipped: float = 0.0


def ips(
    rewards: Floats,
    propensities: Floats,
    target: Floats,
    clip: float | None = None,
    groups: npt.NDArray[Any] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Inverse propensity scoring (Horvitz and Thompson 1952): mean of w r, w = target / propensity. Unbiased.

    Parameters
    ----------
    rewards
        [n] what the choices earned.
    propensities
        [n] with which probability they were made, above 0.
    target
        [n] with which probability the other policy would have made them, 0 to 1.
    clip
        The largest weight; a smaller variance for an estimate that is too low.
    groups
        [n] samples of one group (a user's) are not taken to be independent of each other; default: all are.
    level
        Of the interval: Student's t, corrected for skewness (Hall, JRSS B 1992), with as many degrees of freedom as
        the samples' kurtosis leaves (Satterthwaite), and no more than effective samples and groups, less one.

    Raises
    ------
    ValueError: for empty or unequal lengths, what is not finite, or probabilities out of range.
    """
    weights, clipped = _weights(rewards, propensities, target, clip)
    terms = weights * rewards
    value = float(terms.mean())
    return _estimate(value, terms - value, rewards, weights, clipped, groups, level)


def snips(
    rewards: Floats,
    propensities: Floats,
    target: Floats,
    clip: float | None = None,
    groups: npt.NDArray[Any] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Self-normalised (Swaminathan and Joachims, NIPS 2015): sum of w r over sum of w. Within the rewards' range,
    steadier than `ips`, with a bias that falls as 1/n. The interval is that of a ratio (delta method).

    Parameters and errors: as of `ips`; also a ValueError where all weights are 0: the policies have nothing in common.
    """
    weights, clipped = _weights(rewards, propensities, target, clip)
    mean = float(weights.mean())
    if mean <= 0.0:
        raise ValueError("the policy would have made none of these choices: nothing can be said of it")
    value = float((weights * rewards).mean() / mean)
    return _estimate(value, weights * (rewards - value) / mean, rewards, weights, clipped, groups, level)


def doubly_robust(
    rewards: Floats,
    propensities: Floats,
    target: Floats,
    modelled: Floats,
    expected: Floats,
    clip: float | None = None,
    groups: npt.NDArray[Any] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Doubly robust (Dudik, Langford and Li, ICML 2011): a reward model, corrected where it was seen to be wrong.

    Unbiased for right propensities, whatever the model; the better the model, the narrower the interval. A model that
    was fitted on these very samples makes the interval too narrow: fit it on others (`folds`).

    Parameters
    ----------
    modelled
        [n] what the model expects of the choices that were made.
    expected
        [n] what it expects of the other policy: its mean over that policy's choices.

    Others and errors: as of `ips`.
    """
    weights, clipped = _weights(rewards, propensities, target, clip)
    for name, values in (("modelled", modelled), ("expected", expected)):
        _check(name, values, len(rewards))
    terms = expected + weights * (rewards - modelled)
    value = float(terms.mean())
    return _estimate(value, terms - value, rewards, weights, clipped, groups, level)


def student(level: float, freedom: float) -> float:
    """How many standard errors each side of a mean has for this level: Student's t; below 3 degrees a little too many.

    Abramowitz and Stegun 26.7.5 from 3 degrees on, else the closed form of the whole number below.

    >>> round(student(0.95, 1.0), 3), round(student(0.95, 10.0), 3), round(student(0.95, 1e9), 3)
    (12.706, 2.228, 1.96)
    """
    if freedom < 2.0:
        return math.tan(math.pi * level / 2.0)
    if freedom < 3.0:
        return math.sqrt(2.0 / (1.0 - level**2)) * level
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * freedom**4)
    )


def folds(groups: npt.NDArray[Any], count: int = 2) -> npt.NDArray[np.int64]:
    """[n] which of `count` folds each sample is in: a group is in one fold whole, groups in turn by their number."""
    return np.asarray(np.unique(groups, return_inverse=True)[1] % count, np.int64)


def _weights(rewards: Floats, propensities: Floats, target: Floats, clip: float | None) -> tuple[Floats, float]:
    if not len(rewards):
        raise ValueError("there are no samples")
    for name, values in (("rewards", rewards), ("propensities", propensities), ("target", target)):
        _check(name, values, len(rewards))
    if propensities.min() <= 0.0 or propensities.max() > 1.0 + 1e-9:
        raise ValueError("propensities lie above 0 and up to 1: what was chosen had some probability")
    if target.min() < 0.0 or target.max() > 1.0 + 1e-9:
        raise ValueError("target probabilities lie from 0 to 1")
    weights = target / propensities
    if clip is None:
        return weights, 0.0
    if clip <= 0.0:
        raise ValueError("clip is above 0")
    return np.minimum(weights, clip), float((weights > clip).mean())


def _check(name: str, values: Floats, length: int) -> None:
    if values.shape != (length,):
        raise ValueError(f"{name} must be [{length}], got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite")


def _estimate(
    value: float,
    deviations: Floats,
    rewards: Floats,
    weights: Floats,
    clipped: float,
    groups: npt.NDArray[Any] | None,
    level: float,
) -> Estimate:
    """The interval from what each sample adds to the error of the mean, [n] with mean 0."""
    n = len(weights)
    squared = float((weights**2).sum())
    effective = float(weights.sum() ** 2 / squared) if squared else 0.0
    summed = deviations if groups is None else _summed(deviations, groups)
    below, above = _errors(summed, effective, level)
    low, high = value - below / n, value + above / n
    if not (weights * rewards).any():  # nothing was earned: no spread to learn from, but silence is no proof
        high = max(high, SILENT / max(effective, 1.0))
    return Estimate(value, low, high, n, effective, clipped)


def _summed(values: Floats, groups: npt.NDArray[Any]) -> Floats:
    return np.asarray(np.bincount(np.unique(groups, return_inverse=True)[1], values), np.float64)


def _errors(deviations: Floats, effective: float, level: float) -> tuple[float, float]:
    """How far the sum of deviations may have gone astray, down and up."""
    m = len(deviations)
    spread = float(np.sqrt((deviations**2).mean()))
    if spread < 1e-12:
        return 0.0, 0.0
    scaled = deviations / spread
    # Weights make a few terms large: the spread is then known from those few (Satterthwaite).
    freedom = min(2.0 * m / max(float((scaled**4).mean()) - 1.0, 1e-9), effective - 1.0, m - 1.0)
    skew = float((scaled**3).mean()) / math.sqrt(m)
    quantile = student(level, max(freedom, 1.0))
    unit = spread * math.sqrt(m)
    # Few rewards may lean to the wrong side: the correction widens a side, and never narrows one.
    return unit * max(_unskewed(quantile, skew), quantile), unit * max(-_unskewed(-quantile, skew), quantile)


def _unskewed(quantile: float, skew: float) -> float:
    """Hall's transformation, undone: the quantile of a mean whose terms lean to one side."""
    if abs(skew) < 1e-6:
        return quantile
    return float((3.0 / skew) * (np.cbrt(1.0 + skew * (quantile - skew / 6.0)) - 1.0))
