"""News-like: items live for hours, some break in bursts, tastes by section, births all the time, with text."""

from __future__ import annotations

import numpy as np

from benchmarks.streams.stream import DAY, HOUR, MINUTE, START_MS, Stream, Tape, softmax
from benchmarks.streams.topics import Topics
from benchmarks.streams.visits import Traffic, visits

TASTE, TAIL, FADE = 3.0, 0.8, 2.5
"""What a perfect match adds to the utility; the spread of appeals; what an item's life takes off it."""
BURST, BURST_MS = 2.5, HOUR
"""What breaking adds, and for how long."""
OLD_MS = 3 * DAY
"""Nobody reads what is older."""


def news(events: int = 20_000, seed: int = 0, drift: float | None = None) -> Stream:
    """A stream of clicks.

    Parameters
    ----------
    drift
        After this share of the events everybody's taste is for other sections.
    """
    rng = np.random.default_rng([seed, 2])
    topics = Topics(rng, noise=0.7)
    span = int(max(1.0, events / 2_000)) * DAY
    traffic = Traffic(max(20, events // 12), span, 3.0, 3.0, 2 * MINUTE, daily=True)
    tastes = topics.mixtures(traffic.users, 0.25)
    # Two days' news are there at the beginning.
    count = int(60 * (span / DAY + 2))
    items = topics.items(
        "n", START_MS - 2 * DAY + rng.integers(0, span + 2 * DAY, count), TAIL * rng.normal(size=count)
    )
    life = np.exp(rng.normal(np.log(8 * HOUR), 0.6, count))
    breaks = np.where(rng.random(count) < 0.08, items.born + rng.integers(HOUR, 12 * HOUR, count), -DAY)
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
        utility = TASTE * (items.topics[oldest:told] @ tastes[step.user]) + items.appeal[oldest:told]
        utility -= FADE * age / life[oldest:told]
        since = step.at - breaks[oldest:told]
        utility += np.where((since >= 0) & (since < BURST_MS), BURST, 0.0)
        chances = softmax(utility)
        own = seen.setdefault(step.user, [])
        chances[[row - oldest for row in own if row >= oldest]] = 0.0
        if chances.sum() <= 0.0:
            continue
        row = tape.take(f"u{step.user:05d}", items.names[oldest:told], chances, step.at)
        own.append(oldest + row)
    return Stream("news", seed, False, tuple(tape.parts), turn)
