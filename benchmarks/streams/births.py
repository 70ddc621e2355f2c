"""Births with text: items come all the time and hear of few events each, so what they are about has to tell."""

from __future__ import annotations

import numpy as np

from benchmarks.streams.stream import DAY, HOUR, START_MS, Stream, Tape, softmax
from benchmarks.streams.topics import Topics
from benchmarks.streams.visits import Traffic, visits

TASTE, TAIL, FADE_MS = 7.0, 0.5, 4 * DAY
OLD_MS = 20 * DAY


def births(events: int = 20_000, seed: int = 0, drift: float | None = None) -> Stream:
    """A stream of clicks on short-lived items by users with strong tastes.

    Parameters
    ----------
    drift
        After this share of the events everybody's taste is for other topics.
    """
    rng = np.random.default_rng([seed, 5])
    topics = Topics(rng, count=16, noise=0.4)
    span = 40 * DAY
    traffic = Traffic(max(20, events // 25), span, 2.0, 3.0, HOUR, newcomers=0.6)
    tastes = topics.mixtures(traffic.users, 0.12)
    count = max(100, events // 6)
    items = topics.items("b", START_MS - OLD_MS + rng.integers(0, span + OLD_MS, count), TAIL * rng.normal(size=count))
    turn = None if drift is None else int(drift * events)
    tape = Tape(rng)
    seen: dict[int, list[int]] = {}
    told = oldest = 0
    for step in visits(rng, traffic, events):
        if tape.events == events:
            break
        if tape.events == turn:
            tastes = np.roll(tastes, topics.count // 2, axis=1)
        while told < count and items.born[told] <= step.at:
            tape.announce(items.announcements[told])
            told += 1
        while oldest < told and items.born[oldest] < step.at - OLD_MS:
            oldest += 1
        age = step.at - items.born[oldest:told]
        utility = TASTE * (items.topics[oldest:told] @ tastes[step.user]) + items.appeal[oldest:told] - age / FADE_MS
        chances = softmax(utility)
        own = seen.setdefault(step.user, [])
        chances[[row - oldest for row in own if row >= oldest]] = 0.0
        if chances.sum() <= 0.0:
            continue
        row = tape.take(f"u{step.user:05d}", items.names[oldest:told], chances, step.at)
        own.append(oldest + row)
    return Stream("births", seed, False, tuple(tape.parts), turn)
