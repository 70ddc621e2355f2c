"""Film-like: long tails, tastes for genres, no repeats, ratings; a user's first visit is a long one."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from benchmarks.streams.stream import DAY, MINUTE, SCALE, START_MS, Event, Floats, Stream, Tape, softmax
from benchmarks.streams.topics import Items, Topics
from benchmarks.streams.visits import Traffic, visits

TASTE, TAIL, BUZZ = 4.0, 1.4, 1.5
"""What a perfect match of tastes adds to a film's utility; the spread of appeals; what a release adds to begin with."""
BUZZ_MS = 20 * DAY
FERVOUR = 2.2
"""How much stronger than others' a minority's taste is."""


def films(
    events: int = 20_000,
    seed: int = 0,
    drift: float | None = None,
    drift_kind: Literal["tastes", "appeal", "both"] = "tastes",
    minority: float = 0.0,
    span_days: int = 180,
    users: int | None = None,
    items: int | None = None,
) -> Stream:
    """A stream of ratings.

    Parameters
    ----------
    drift
        After this share of the events the world changes at once.
    drift_kind
        `tastes`: everybody's taste becomes one for other genres; `appeal`: other films are
        liked by all.
    minority
        Share of users with a taste for the last genre alone, which nobody else cares for.
    users, items
        How many; default: one for 20 events, one for 15.
    """
    rng = np.random.default_rng([seed, 1])
    topics = Topics(rng)
    traffic = Traffic(users or max(20, events // 20), span_days * DAY, 3.0, 8.0, 3 * MINUTE)
    tastes = topics.mixtures(traffic.users, 0.2)
    few = rng.random(traffic.users) < minority
    if minority:
        tastes[:, -1] = 0.0
        tastes[few] = FERVOUR * np.eye(topics.count)[-1]
    count = items or max(60, events // 15)
    births = START_MS + np.where(rng.random(count) < 0.5, 0, rng.integers(0, span_days * DAY, count))
    catalogue = topics.items("f", births, TAIL * rng.normal(size=count))
    appeal = catalogue.appeal
    turn = None if drift is None else int(drift * events)
    tape = Tape(rng)
    seen: dict[int, list[int]] = {}
    told = 0
    for step in visits(rng, traffic, events):
        if tape.events == events:
            break
        if tape.events == turn:
            if drift_kind in {"tastes", "both"}:
                tastes = np.roll(tastes, topics.count // 2, axis=1)
            if drift_kind in {"appeal", "both"}:
                appeal = rng.permutation(appeal)
        while told < count and catalogue.born[told] <= step.at:
            tape.announce(catalogue.announcements[told])
            told += 1
        chances = softmax(_utility(catalogue, appeal, tastes[step.user], told, step.at))
        own = seen.setdefault(step.user, [])
        chances[own] = 0.0
        if not chances.any():
            continue
        row = tape.take(f"u{step.user:05d}", catalogue.names, chances, step.at)
        own.append(row)
        _rate(tape, float(catalogue.topics[row] @ tastes[step.user]), rng)
    minor = frozenset(f"u{user:05d}" for user in np.flatnonzero(few).tolist())
    return Stream("films", seed, False, tuple(tape.parts), turn, minor)


def _utility(items: Items, appeal: Floats, taste: Floats, told: int, at: int) -> Floats:
    age = at - items.born[:told]
    return np.asarray(
        TASTE * (items.topics[:told] @ taste) + appeal[:told] + BUZZ * np.exp2(-age / BUZZ_MS)
    )  # fmt: skip


def _rate(tape: Tape, match: float, rng: np.random.Generator) -> None:
    """What was taken is rated, the higher the better it matches."""
    event = tape.parts[-1]
    assert isinstance(event, Event)
    value = float(np.clip(round(5.5 + 3.5 * match + 1.5 * rng.normal()), *SCALE))
    weight = 2.0 * ((value - SCALE[0]) / (SCALE[1] - SCALE[0]) * 2.0 - 1.0)
    tape.parts[-1] = replace(event, type="rating", value=value, y=weight)
