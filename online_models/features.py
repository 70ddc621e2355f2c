"""What is known of a candidate, as the logs that the blend weighs.

Every feature is 0 where there is no evidence, so that an item nobody has touched is at nobody's mercy, and grows with
the evidence. The evidence of n candidates comes in as one matrix, a column a fact.

>>> evidence = no_evidence(2)
>>> evidence[0, [PAIRS, COUNT]] = 0.5, 9.0
>>> matrix = feature_matrix(evidence)
>>> matrix.shape == (2, len(NAMES)), bool(matrix[0].sum() > 0.0), matrix[1].any()
(True, True, np.False_)
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.covisits import LAST_ORDER, LAST_PAIRS, ONE_ORDER, ONE_PAIRS, ORDER, PAIRS, READINGS, SESSION

Floats = npt.NDArray[np.float64]

NAMES: Final = (
    "covisit",  # log of the whole item-item score A = C part + 2 T part
    "covisit_pairs",  # log of its C part: seen by the same users
    "covisit_order",  # log of its T part: seen after one another
    "covisit_last",  # the same with the user's last 3 items only
    "covisit_last_pairs",
    "covisit_last_order",
    "covisit_rare",  # log A times 5 / (c + 5): what little evidence says of an item with few events
    "covisit_session",  # log A of the session under way
    "covisit_one_pairs",  # the C and the T part of the very last item
    "covisit_one_order",
    "trend_3h",  # log popularity, by half-life
    "trend_day",
    "trend_week",
    "trend_month",
    "count",  # log of the events that counted
    "liking",  # mean weight of its events
    "idle",  # how recent the last event is
    "fresh",  # how recent the first event is
    "content",  # similarity to what the user chose, long term
    "content_last",  # ... short term
    "content_rare",  # long term, times 15 / (c + 15)
    "content_nearest",  # similarity to the nearest of their last items: one of several interests
    "content_nearest_rare",  # ... times 15 / (c + 15)
    "mf",  # River's matrix factorisation
    "own",  # the user had it before
    "own_recent",  # ... how recently, among their items
    "own_newest",  # ... it was the last one
    "own_times",  # ... how often
    "own_idle",  # ... how recently, by time
    "own_due",  # ... the time since is near its usual interval
    "own_weight",  # ... the weight of what they last did with it
    "own_looked",  # ... that was less than choosing it
)
"""The columns, in order."""

START: Final = MappingProxyType(
    {
        "covisit": 1.0,
        "covisit_last": 0.3,
        "trend_day": 0.3,
        "trend_week": 0.3,
        "trend_month": 0.2,
        # These stay where they start if the items have no vectors here, but have some where the weights are used.
        "content": 1.0,
        "content_last": 0.5,
        "content_rare": 2.0,
    }
)
"""The blend's weights to begin with."""

# The columns of the evidence; the first ones are those of `covisits`.
TREND: Final = READINGS
"""Popularity at the four half-lives, decayed to now: four columns."""
COUNT, WEIGHT = TREND + 4, TREND + 5
"""Events so far, each with the share that counted; the sum of their weights."""
IDLE_MS, AGE_MS = TREND + 6, TREND + 7
"""Time since the last and the first event; negative where there was none."""
CONTENT, CONTENT_LAST, CONTENT_NEAREST = TREND + 8, TREND + 9, TREND + 10
"""Cosine to the user's long- and short-term interest, and to the nearest of their last items."""
MF: Final = TREND + 11
"""What the matrix factorisation adds for the item."""
OWN_PLACE, OWN_TIMES, OWN_IDLE_MS, OWN_INTERVAL_MS, OWN_WEIGHT = range(TREND + 12, TREND + 17)
"""How many items the user has met since they met this one (0: it was the last; negative: never), how often, how long
ago, at what intervals (negative: only once), and the weight of what they last did with it."""
FACTS: Final = TREND + 17

COVISIT_UNIT: Final = 0.1
"""A's below this hardly count: the log is taken of 1 + A / unit."""
TREND_UNIT: Final = 0.1
RECENT_MS: Final = 30 * 86_400_000.0
"""Ages far beyond this are all the same."""
MINUTE_MS: Final = 60_000.0
RARE, SELDOM = 5.0, 15.0
"""So many events halve what counts for items with few."""
MOST_WEIGHT: Final = 3.0
CHOSEN: Final = 1.0
"""From this weight on an item was chosen; below, it was looked at."""
_WIDTH: Final = len(NAMES)
_UNKNOWN: Final = np.where(np.isin(np.arange(FACTS), (IDLE_MS, AGE_MS, OWN_PLACE, OWN_INTERVAL_MS)), -1.0, 0.0)


def no_evidence(n: int) -> Floats:
    """The evidence of `n` candidates of which nothing is known, [n, FACTS]."""
    return clear_evidence(np.empty((n, FACTS)))


def clear_evidence(evidence: Floats) -> Floats:
    """Make `evidence` [n, FACTS] that of candidates of which nothing is known."""
    evidence[:] = _UNKNOWN
    return evidence


def feature_matrix(evidence: Floats, out: Floats | None = None) -> Floats:
    """The features of candidates, [n, len(NAMES)] float64, all finite; each is looked at alone.

    They are written into `out`, where it is given: asking for memory can take longer than filling it.

    Raises
    ------
    ValueError
        If `evidence` is not [n, FACTS].
    """
    if evidence.ndim != 2 or evidence.shape[1] != FACTS:
        raise ValueError(f"evidence must be [n, {FACTS}], got {list(evidence.shape)}")
    features = np.empty((len(evidence), _WIDTH)) if out is None else out
    _fill(evidence, features)
    return features


@njit(cache=True)
def _log(value: float, unit: float) -> float:
    # The log of 1 + x loses digits where x is tiny, but takes half the time of log1p.
    return float(np.log(1.0 + value / unit)) if value > 0.0 else 0.0


@njit(cache=True)
def _recency(age_ms: float) -> float:
    """Near 0 for old and for no evidence, some 10 for a minute ago; between, the log of the age downwards."""
    if age_ms < 0.0 or not age_ms < np.inf:
        return 0.0
    return float(np.log(1.0 + RECENT_MS / (age_ms + MINUTE_MS)))


@njit(cache=True)
def _due(idle_ms: float, interval_ms: float) -> float:
    """1 when an item taken at some interval is due just now, less the more it is too early or too late."""
    if interval_ms < 0.0 or idle_ms < 0.0:
        return 0.0
    off = np.log((idle_ms + MINUTE_MS) / (interval_ms + MINUTE_MS))
    return float(np.exp(-off * off))


@njit(cache=True)
def _fill(evidence: Floats, out: Floats) -> None:
    out[:] = 0.0
    for j in range(len(evidence)):
        known, row = evidence[j], out[j]
        c = max(known[COUNT], 0.0)
        if known[PAIRS] != 0.0 or known[ORDER] != 0.0:
            row[0] = _log(known[PAIRS] + 2.0 * known[ORDER], COVISIT_UNIT)
            row[1] = _log(known[PAIRS], COVISIT_UNIT)
            row[2] = _log(known[ORDER], COVISIT_UNIT)
            row[6] = row[0] * RARE / (c + RARE)
            row[7] = _log(known[SESSION], COVISIT_UNIT)
        if known[LAST_PAIRS] != 0.0 or known[LAST_ORDER] != 0.0:
            row[3] = _log(known[LAST_PAIRS] + 2.0 * known[LAST_ORDER], COVISIT_UNIT)
            row[4] = _log(known[LAST_PAIRS], COVISIT_UNIT)
            row[5] = _log(known[LAST_ORDER], COVISIT_UNIT)
            row[8] = _log(known[ONE_PAIRS], COVISIT_UNIT)
            row[9] = _log(known[ONE_ORDER], COVISIT_UNIT)
        for k in range(4):
            row[10 + k] = _log(known[TREND + k], TREND_UNIT)
        row[14] = np.log(1.0 + c)
        row[15] = known[WEIGHT] / (c + 1.0)
        row[16] = _recency(known[IDLE_MS])
        row[17] = _recency(known[AGE_MS])
        row[18] = known[CONTENT]
        row[19] = known[CONTENT_LAST]
        row[20] = known[CONTENT] * SELDOM / (c + SELDOM)
        row[21] = known[CONTENT_NEAREST]
        row[22] = known[CONTENT_NEAREST] * SELDOM / (c + SELDOM)
        row[23] = known[MF]
        if known[OWN_PLACE] >= 0.0:
            row[24] = 1.0
            row[25] = 1.0 / (1.0 + known[OWN_PLACE])
            row[26] = 1.0 if known[OWN_PLACE] == 0.0 else 0.0
            row[27] = np.log(max(known[OWN_TIMES], 1.0))
            row[28] = _recency(known[OWN_IDLE_MS])
            row[29] = _due(known[OWN_IDLE_MS], known[OWN_INTERVAL_MS])
            row[30] = min(max(known[OWN_WEIGHT], -MOST_WEIGHT), MOST_WEIGHT)
            row[31] = 1.0 if 0.0 <= known[OWN_WEIGHT] < CHOSEN else 0.0


@njit(cache=True)
def weighed(features: Floats, weights: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Features [n, F] times their weights [F], without the columns that are 0 for all; and which columns are left.

    They lie column by column, so that a row's sum adds up from the first to the last, whatever its length.
    """
    n, width = features.shape
    used = np.zeros(width, np.bool_)
    for row in range(n):
        for f in range(width):
            used[f] |= features[row, f] * weights[f] != 0.0
    columns = np.flatnonzero(used)
    out = np.empty((len(columns), n))
    for at in range(len(columns)):
        for row in range(n):
            out[at, row] = features[row, columns[at]] * weights[columns[at]]
    return out.T, columns
