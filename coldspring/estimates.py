"""What another policy would have earned from the seats that chance gave, out of `decisions` and what users did next.

Only such seats can tell: everywhere else in a list the same state gives the same item, and what another item would have
earned there nobody saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from recommender.decision import Decision
from recommender.event_types import EventTypes
from recommender.events import Interaction
from recommender.off_policy import Estimate, Floats, doubly_robust, folds, ips, snips
from recommender.seat_policies import SeatPolicy, score_of
from recommender.seats import Seat

RIDGE: Final = 1.0


class TooLittleError(Exception):
    """There is nothing to estimate from; the message says what is missing."""


@dataclass(slots=True)
class Followed:
    """A list that was served, and the items of it that were chosen because of it."""

    decision: Decision
    chosen: set[str] = field(default_factory=set)


class Join:
    """Decisions and the events that name their request_id.

    Parameters
    ----------
    types: which types there are.
    kinds: the types that count; empty: every choice (click and stronger).
    window_ms: how long after a list a choice counts for it.
    """

    def __init__(self, types: EventTypes, kinds: Iterable[str] = (), window_ms: int = 3_600_000) -> None:
        self._kinds = frozenset(kinds or (name for name in types.names if types.is_choice(name)))
        self._window_ms = window_ms
        self._lists: dict[str, Followed] = {}

    def served(self, decision: Decision) -> None:
        """A list; one that was asked for again with the same request_id counts once, as it was first."""
        known = self._lists.get(decision.request_id)
        if known is None or decision.timestamp < known.decision.timestamp:
            self._lists[decision.request_id] = Followed(decision)

    def happened(self, event: Interaction) -> None:
        """An event of any kind, after all lists."""
        found = self._lists.get(event.request_id) if event.request_id is not None else None
        if found is None or event.type not in self._kinds or event.item_id is None:
            return
        decision = found.decision
        # The clocks of those who click may be behind ours: whoever names the list has seen it.
        if decision.user_id in {None, event.user_id} and event.timestamp <= decision.timestamp + self._window_ms:
            found.chosen.add(event.item_id)

    def ended(self, now_ms: int) -> tuple[list[Followed], int]:
        """The lists whose window is over, by time, and how many are still open."""
        known = sorted(self._lists.values(), key=lambda each: (each.decision.timestamp, each.decision.request_id))
        over = [each for each in known if each.decision.timestamp + self._window_ms <= now_ms]
        return over, len(known) - len(over)


@dataclass(frozen=True, slots=True)
class Samples:
    """Seats as arrays, [n]: rewards, propensities, the other policy's probability of the same, users by number.

    modelled, expected: what a reward model says of what was done, and of the other policy.
    """

    rewards: Floats
    propensities: Floats
    target: Floats
    users: np.ndarray[Any, np.dtype[np.int64]]
    modelled: Floats
    expected: Floats


def estimate(lists: list[Followed], policy: SeatPolicy, clip: float | None = None) -> dict[str, Any]:
    """The click rate of the seats as they were given, and what another policy would have had.

    Returns
    -------
    `{"lists", "places", "seats", "support", "per_place", "seat", "estimates": {"ips", "snips", "dr"}}`. support: the
    share of all places that chance gave. per_place: choices a place, over whole lists. seat, and each estimate: value,
    low, high (95 %), samples, effective, clipped; choices a seat.

    Raises
    ------
    TooLittleError: where no list has such a seat.
    """
    places = sum(len(each.decision.items) for each in lists)
    samples = samples_of(lists, policy)
    plain = samples.rewards, samples.propensities
    more: dict[str, Any] = {"clip": clip, "groups": samples.users}
    found = {
        "ips": ips(*plain, samples.target, **more),
        "dr": doubly_robust(*plain, samples.target, samples.modelled, samples.expected, **more),
    }
    if samples.target.any():
        found["snips"] = snips(*plain, samples.target, **more)
    return {
        "lists": len(lists),
        "places": places,
        "seats": len(samples.rewards),
        "support": len(samples.rewards) / places,
        "per_place": sum(len(each.chosen) for each in lists) / places,
        "seat": _told(ips(*plain, samples.propensities, groups=samples.users)),
        "estimates": {name: _told(found[name]) for name in ("ips", "snips", "dr") if name in found},
    }


def samples_of(lists: list[Followed], policy: SeatPolicy) -> Samples:
    """The seats of lists as samples.

    Raises
    ------
    TooLittleError: where there is none.
    """
    rewards, propensities, target, users = [], [], [], []
    rows: list[Floats] = []
    means: list[Floats] = []
    for each in lists:
        for seat in each.decision.seats:
            names = each.decision.parts.names
            taken = each.decision.items[seat.place].item_id
            chances, rest = policy.chances(seat, names)
            at = next((at for at, arm in enumerate(seat.arms) if arm.item_id == taken), None)
            rewards.append(float(taken in each.chosen))
            propensities.append(seat.propensity(taken))
            target.append(rest if at is None else chances[at])
            users.append(each.decision.user_id or each.decision.request_id)
            features = _features(seat, names)
            rows.append(features[-1] if at is None else features[at])
            means.append(np.array([*chances, rest * (seat.pool - len(seat.arms))]) @ features)
    if not rewards:
        raise TooLittleError("no list that was recorded has a seat that chance gave (setting exploration)")
    groups = np.unique(users, return_inverse=True)[1]
    modelled, expected = _model(np.array(rewards), np.array(rows), np.array(means), groups)
    return Samples(np.array(rewards), np.array(propensities), np.array(target), groups, modelled, expected)


def _features(seat: Seat, names: list[str]) -> Floats:
    """What the reward model sees of a seat's arms, and in the last row of any other of its pool, [arms + 1, 5]."""
    scores = np.array([score_of(arm, names, {}) for arm in seat.arms])
    out = np.zeros((len(scores) + 1, 5))
    out[:, 0] = 1.0
    out[:-1, 1] = np.maximum(scores - scores.max(), -10.0)
    out[:-1, 2] = np.log1p([arm.shown for arm in seat.arms])
    out[:-1, 3] = np.log1p([arm.chosen for arm in seat.arms])
    out[-1, 4] = 1.0
    return out


def _model(rewards: Floats, rows: Floats, means: Floats, groups: Any) -> tuple[Floats, Floats]:
    """A ridge regression of rewards, fitted for the users of one half on those of the other.

    rows: of what was done, means: of the other policy's choices. It is linear, so its mean over those is its value at
    their mean row.
    """
    fold = folds(groups)
    modelled, expected = np.zeros(len(rewards)), np.zeros(len(rewards))
    for half in (0, 1):
        own, other = fold == half, fold != half
        seen = rows[other]
        weights = np.linalg.solve(seen.T @ seen + RIDGE * np.eye(rows.shape[1]), seen.T @ rewards[other])
        modelled[own], expected[own] = rows[own] @ weights, means[own] @ weights
    return modelled, expected


def _told(found: Estimate) -> dict[str, Any]:
    """For JSON; a rate lies between 0 and 1, so its interval does."""
    told: Mapping[str, Any] = asdict(found)
    return {**told, "low": min(max(found.low, 0.0), 1.0), "high": min(max(found.high, 0.0), 1.0)}
