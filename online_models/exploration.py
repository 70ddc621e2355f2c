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
from numba import njit

Array = np.ndarray[Any, Any]
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
    return np.asarray(_chances(appeal, shown, chosen))


def best_of_betas(wins: Floats, losses: Floats) -> Floats:
    """The probability that a draw from Beta(wins, losses) [k] is the largest of all, by quadrature over log odds."""
    return np.asarray(_best_of_betas(wins, losses))


def count_seen(numbers: Array, local: Array, by_type: Array, impression: int, choices: Array, seen: Array) -> None:
    """Add what one partition counts of items to `seen`, [2, n]: impressions, then choices.

    Parameters
    ----------
    numbers
        [n] the items.
    local
        The partition's places of items by number, -1 for one that it does not know; later numbers it does not know.
    by_type
        [places, types] its counts.
    impression, choices
        The code of impressions; [types] which types are choices.
    """
    _count_seen(numbers, local, by_type, impression, choices, seen)


def with_nearest(pool: Array, alike: Floats, arms: int) -> tuple[Array, int | None]:
    """A pool [n] with the item that is most alike (the first of these) among its first `arms`, and which of them it is.

    It is moved to the last of these where it comes later; None where nothing is alike more than 0.
    """
    ordered, at = _with_nearest(np.ascontiguousarray(pool), alike, arms)
    return ordered, at if at >= 0 else None


def appeal_of(scores: Floats) -> Floats:
    """What scores of a conditional logit say of rates: their exponentials, the best arm's being 1."""
    return np.asarray(np.exp(scores - scores.max()))


@njit(cache=True)
def _chances(appeal: Floats, shown: Array, chosen: Array) -> Floats:
    if len(appeal) == 1:
        return np.ones(1)
    best = max(appeal.max(), 1e-300)
    wins, losses = np.empty(len(appeal)), np.empty(len(appeal))
    for arm in range(len(appeal)):
        expected = RATE * min(max(appeal[arm] / best, LEAST), 1.0)
        taken = min(chosen[arm], shown[arm])
        wins[arm] = TRUST * expected + taken
        losses[arm] = TRUST * (1.0 - expected) + shown[arm] - taken
    return _best_of_betas(wins, losses)


@njit(cache=True)
def _best_of_betas(wins: Floats, losses: Floats) -> Floats:
    # The density of the log odds: without the poles that a Beta has at 0 and 1.
    arms, steps = len(wins), len(_LOG_RATE)
    # Step by step for all arms at once: no arm's sum waits for another's.
    density, top, whole = np.empty((steps, arms)), np.full(arms, -np.inf), np.zeros(arms)
    for at in range(steps):
        for arm in range(arms):
            density[at, arm] = wins[arm] * _LOG_RATE[at] + losses[arm] * _LOG_REST[at]
            top[arm] = max(top[arm], density[at, arm])
    for at in range(steps):
        for arm in range(arms):
            density[at, arm] = np.exp(density[at, arm] - top[arm])
            whole[arm] += density[at, arm]
    reached, below, after, won = np.zeros(arms), np.empty(arms), np.ones(arms + 1), np.zeros(arms)
    for at in range(steps):
        for arm in range(arms):
            density[at, arm] /= whole[arm]
            reached[arm] += density[at, arm]
            below[arm] = max(reached[arm] - 0.5 * density[at, arm], 1e-300)
        # That all others lie below: those before an arm, times those after it.
        for arm in range(arms - 1, 0, -1):
            after[arm] = after[arm + 1] * below[arm]
        before = 1.0
        for arm in range(arms):
            won[arm] += density[at, arm] * before * after[arm + 1]
            before *= below[arm]
    return np.asarray(won / won.sum())


@njit(cache=True)
def _count_seen(numbers: Array, local: Array, by_type: Array, impression: int, choices: Array, seen: Array) -> None:
    for at in range(len(numbers)):
        place = local[numbers[at]] if numbers[at] < len(local) else -1
        if place >= 0:
            seen[0, at] += by_type[place, impression]
            for code in range(len(choices)):
                if choices[code]:
                    seen[1, at] += by_type[place, code]


@njit(cache=True)
def _with_nearest(pool: Array, alike: Floats, arms: int) -> tuple[Array, int]:
    at = int(np.argmax(alike))
    if alike[at] <= 0.0:
        return pool, -1
    to = min(at, arms - 1)
    ordered = pool.copy()
    ordered[to + 1 : at + 1] = pool[to:at]
    ordered[to] = pool[at]
    return ordered, to
