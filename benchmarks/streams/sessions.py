"""Session-like: nobody is known for long; what comes next follows from what came last, in a walk among neighbours."""

from __future__ import annotations

import numpy as np

from benchmarks.streams.stream import DAY, MINUTE, START_MS, Stream, Tape, softmax
from benchmarks.streams.topics import Topics
from benchmarks.streams.visits import Traffic, visits

NEXT, EARLIER, SAME = 0.45, 0.2, 0.3
"""How often the next item is a neighbour of the last one, a neighbour of one before it, one of the session's topic;
else it is one of all."""
NEIGHBOURS = 12
PICKY = 2.5
"""How much stronger one neighbour may pull than another, as a power of e."""


def sessions(events: int = 20_000, seed: int = 0, drift: float | None = None) -> Stream:
    """A stream of clicks; each user is one session.

    Parameters
    ----------
    drift
        After this share of the events every item has other neighbours.
    """
    rng = np.random.default_rng([seed, 3])
    topics = Topics(rng, noise=0.8)
    span = 20 * DAY
    traffic = Traffic(max(20, events // 5), span, 6.0, 6.0, MINUTE, newcomers=1.0)
    count = max(60, events // 20)
    births = START_MS + np.where(rng.random(count) < 0.7, 0, rng.integers(0, span, count))
    items = topics.items("s", births, rng.normal(size=count), purity=0.1)
    likeness = items.topics @ items.topics.T
    np.fill_diagonal(likeness, 0.0)
    tastes = topics.mixtures(traffic.users, 0.1)

    def neighbours() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """How strongly items pull, [from, to]; some like ones each."""
        pull = np.zeros((count, count))
        for row in range(count):
            chosen = rng.choice(count, NEIGHBOURS, replace=False, p=(own := likeness[row] ** 4) / own.sum())
            pull[row, chosen] = np.exp(PICKY * rng.random(NEIGHBOURS))
        return pull

    pull = neighbours()
    turn = None if drift is None else int(drift * events)
    tape = Tape(rng)
    walks: dict[int, list[int]] = {}
    told = 0
    for step in visits(rng, traffic, events):
        if tape.events == events:
            break
        if tape.events == turn:
            pull = neighbours()
        while told < count and items.born[told] <= step.at:
            tape.announce(items.announcements[told])
            told += 1
        walk = walks.setdefault(step.user, [])
        free = np.ones(told, np.bool_)
        free[walk] = False
        if not free.any():
            continue
        appeal = items.appeal[:told]
        kinds = [(1.0 - NEXT - EARLIER - SAME, softmax(appeal)),
                 (SAME, softmax(5.0 * items.topics[:told] @ tastes[step.user] + appeal))]  # fmt: skip
        kinds += [(NEXT, pull[walk[-1], :told])] if walk else []
        kinds += [(EARLIER, pull[walk[-2], :told])] if len(walk) > 1 else []
        chances = np.zeros(told)
        for weight, kind in kinds:
            allowed = kind * free
            if allowed.any():
                chances += weight * allowed / allowed.sum()
        walk.append(tape.take(f"v{step.user:05d}", items.names[:told], chances, step.at))
    return Stream("sessions", seed, False, tuple(tape.parts), turn)
