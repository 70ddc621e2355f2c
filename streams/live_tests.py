"""How each model is asked about an event that is about to be learned: is the item among its best ten?

The protocol is `recommender.evaluation`'s: every item known so far but the user's own, nothing sampled, ties count
against. The two popularities are read from the default model's own counts, so they cost no memory of their own.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numba import njit

from online_models.default import FAST, Default
from online_models.kernels import HALF_LIVES_MS, SCALE
from online_models.partition_state import PartitionState
from streams.outbox import Example
from streams.quality import K, Test, Trial

Array = np.ndarray[Any, Any]
_NOTHING: Final = np.zeros(0, np.int64)
_DAY_MS: Final = float(HALF_LIVES_MS[FAST])


def trial_of(example: Example, state: PartitionState) -> Trial | None:
    """An example as a list is asked for before it; None where lists leave the item out, or nobody chose it.

    A late event (another partition was ahead) is asked about as of now, as a list would be.
    """
    row, index = state.user(example.user_id), state.dictionary.index.get(example.item_id)
    own = _NOTHING if row is None else np.unique(row.items).astype(np.int64)
    if example.y <= 0.0 or index in own:
        return None
    at = max(example.timestamp, state.clock.now)
    events = 0 if index is None else int(state.stats.table["counted"][index]) // SCALE
    return Trial(example.user_id, example.item_id, own, at, events, 0 if row is None else row.total)


def live_tests(default: Default) -> MappingProxyType[str, Test]:
    """The models by name: the default, River's factorisation in it, popularity, and popularity of the last day."""

    def by_default(trial: Trial) -> bool:
        index = default.state.dictionary.index.get(trial.item)
        return index is not None and default.hits(trial.user, index, K, trial.own, trial.at)

    def by_mf(trial: Trial) -> bool:
        mf, slots, names = default.mf, default.mf.items.slots, default.state.dictionary.names
        place = slots.get(trial.item, -1)
        own = np.array(sorted(slots[name] for item in trial.own if (name := names[item]) in slots), np.int64)
        user = mf.users.get(trial.user)
        row = np.zeros(1 + mf.n_factors) if user is None else user
        return place >= 0 and bool(_mf_hits(mf.items.data[: len(mf.items)], row, place, own))

    def by_popularity(trial: Trial) -> bool:
        place = default.state.dictionary.index.get(trial.item, -1)
        return place >= 0 and bool(_popularity_hits(_counts(default), place, trial.own))

    def by_decayed_popularity(trial: Trial) -> bool:
        place = default.state.dictionary.index.get(trial.item, -1)
        return place >= 0 and bool(_decayed_hits(_counts(default), place, trial.own, FAST, _DAY_MS))

    return MappingProxyType(
        {
            "default": by_default,
            "mf": by_mf,
            "popularity": by_popularity,
            "decayed_popularity": by_decayed_popularity,
        }
    )


def _counts(default: Default) -> Array:
    return default.state.stats.table[: len(default.state.dictionary)]


# Each of these counts who is as good or better, and gives up as soon as the item cannot be among the best: most lists
# miss, and are done within a few hundred items.


@njit(cache=True)
def _is_own(item: int, own: Array) -> bool:
    place = np.searchsorted(own, item)
    return bool(place < len(own) and own[place] == item)


@njit(cache=True)
def _mf_hits(items: Array, user: Array, target: int, own: Array) -> bool:
    better = 0
    wanted = items[target, 0] + np.dot(items[target, 1:], user[1:])
    for item in range(len(items)):
        if items[item, 0] + np.dot(items[item, 1:], user[1:]) >= wanted and item != target and not _is_own(item, own):
            better += 1
            if better == K:
                return False
    return True


@njit(cache=True)
def _popularity_hits(stats: Array, target: int, own: Array) -> bool:
    better = 0
    for item in range(len(stats)):
        if stats[item].counted >= stats[target].counted and item != target and not _is_own(item, own):
            better += 1
            if better == K:
                return False
    return True


@njit(cache=True)
def _as_of(s: Any, half_life: int, at: int, half_life_ms: float) -> float:
    past = s.popularity[half_life] * 2.0 ** ((s.popularity_at - at) / half_life_ms)
    return float(past + s.ahead[half_life] * 2.0 ** ((s.ahead_at - at) / half_life_ms))


@njit(cache=True)
def _decayed_hits(stats: Array, target: int, own: Array, half_life: int, half_life_ms: float) -> bool:
    """By popularity at one moment: that no earlier one can be asked for changes no order."""
    better = 0
    at = max(stats[target].popularity_at, stats[target].ahead_at)
    wanted = _as_of(stats[target], half_life, at, half_life_ms)
    for item in range(len(stats)):
        value = _as_of(stats[item], half_life, at, half_life_ms)
        if value >= wanted and item != target and not _is_own(item, own):
            better += 1
            if better == K:
                return False
    return True
