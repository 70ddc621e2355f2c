"""Which of the fresh items gets a seat in a list: Thompson sampling whose probabilities are known.

An arm is an item. What is believed of its click rate is a Beta distribution: before anything was seen its mean follows
the model's own score, then every impression and every choice counts. Thompson sampling takes an arm with the
probability that its rate is the highest (Thompson, Biometrika 1933; Chapelle and Li, NIPS 2011). Here that probability
is computed and one draw is made from it, so that the propensity that is recorded is exact. A policy that draws rates
and compares them, as `river.bandit.ThompsonSampling` does, takes the same arms equally often, but can't say how likely
each was; a test compares the two.

>>> sure = chances(np.array([1.0, 1.0]), np.array([0, 60]), np.array([0, 0]))
>>> bool(sure[0] > 0.8), round(float(sure.sum()), 9)
(True, 1.0)
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RATE: Final = 0.1
"""The click rate that is expected of the arm with the best score before it was shown."""
TRUST: Final = 50.0
"""How many impressions that expectation is worth."""
LEAST: Final = 0.05
"""No arm is expected to have less than this part of the best arm's rate."""

_LOG_ODDS: Final[Floats] = np.arange(-24.0, 6.0, 0.2)
_LOG_RATE: Final[Floats] = -np.logaddexp(0.0, -_LOG_ODDS)
_LOG_REST: Final[Floats] = -np.logaddexp(0.0, _LOG_ODDS)


def chances(appeal: Floats, shown: npt.NDArray[Any], chosen: npt.NDArray[Any]) -> Floats:
    """With which probability each arm is the best, [k]; they add up to 1.

    Parameters
    ----------
    appeal
        [k] how the arms' expected rates compare, in any unit: the exponential of a score of a conditional logit.
    shown, chosen
        [k] impressions and choices so far. Choices beyond the impressions came by other ways than a list: the score
        knows of them, and of the rate in lists they say nothing.
    """
    if len(appeal) == 1:
        return np.ones(1)
    expected = RATE * np.clip(appeal / max(float(appeal.max()), 1e-300), LEAST, 1.0)
    taken = np.minimum(chosen, shown)
    return best_of_betas(TRUST * expected + taken, TRUST * (1.0 - expected) + shown - taken)


def best_of_betas(wins: Floats, losses: Floats) -> Floats:
    """The probability that a draw from Beta(wins, losses) [k] is the largest of all, by quadrature over log odds."""
    # The density of the log odds: without the poles that a Beta has at 0 and 1.
    density = np.outer(wins, _LOG_RATE) + np.outer(losses, _LOG_REST)
    density = np.exp(density - density.max(axis=1, keepdims=True))
    density /= density.sum(axis=1, keepdims=True)
    below = np.cumsum(density, axis=1) - 0.5 * density
    # log, so that "all others lie below" is one sum less the own term.
    logs = np.log(np.maximum(below, 1e-300))
    won = (density * np.exp(logs.sum(axis=0) - logs)).sum(axis=1)
    return np.asarray(won / won.sum())


def appeal_of(scores: Floats) -> Floats:
    """What scores of a conditional logit say of rates: their exponentials, the best arm's being 1."""
    return np.asarray(np.exp(scores - scores.max()))
