"""Who is there when: visits of users over a span of event time, woven into one another."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.streams.stream import DAY, HOUR, START_MS

SPARE = 1.25
"""So many times the events are planned, as some steps find nothing to take; the last visits are cut off."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a visit: user number, time in ms, its number in the visit, whether it is the visit's last."""

    user: int
    at: int
    number: int
    last: bool


@dataclass(frozen=True, slots=True)
class Traffic:
    """How users come and go.

    users: how many there will be; the first visit of each is spread over the span (`newcomers` of them after its
    beginning). spread: of the logarithm of how busy they are. length: mean events of a visit; first_length: of a
    user's first. pace_ms: between two events of a visit. daily: nights are quiet.
    """

    users: int
    span_ms: int
    length: float
    first_length: float
    pace_ms: float
    newcomers: float = 0.5
    spread: float = 1.0
    daily: bool = False


def visits(rng: np.random.Generator, traffic: Traffic, events: int) -> Iterator[Step]:
    """Steps in the order of time, somewhat more than `events`."""
    busy = np.exp(traffic.spread * rng.normal(size=traffic.users))
    late = rng.random(traffic.users) < traffic.newcomers
    first = np.where(late, rng.random(traffic.users), 0.02 * rng.random(traffic.users))
    waiting = [_visit(rng, user, start, traffic.first_length, traffic) for user, start in enumerate(first.tolist())]
    planned = sum(visit[-1] for visit in waiting)
    chances = np.cumsum(busy / busy.sum())
    while planned < SPARE * events:
        user = min(int(np.searchsorted(chances, rng.random())), traffic.users - 1)
        waiting.append(_visit(rng, user, first[user] + (1.0 - first[user]) * rng.random(), traffic.length, traffic))
        planned += waiting[-1][-1]
    heapq.heapify(waiting)
    while waiting:
        at, key, user, number, left = heapq.heappop(waiting)
        yield Step(user, at, number, left == 1)
        if left > 1:
            pause = 1 + int(rng.exponential(traffic.pace_ms))
            heapq.heappush(waiting, (at + pause, key, user, number + 1, left - 1))


def _visit(
    rng: np.random.Generator, user: int, start: float, length: float, traffic: Traffic
) -> tuple[int, int, int, int, int]:
    at = START_MS + int(start * traffic.span_ms)
    if traffic.daily:
        # Midday of the same day, give or take five hours.
        at = START_MS + (at - START_MS) // DAY * DAY + int(np.clip(rng.normal(13, 5), 0, 23.99) * HOUR)
    return at, int(rng.integers(2**40)), user, 0, int(rng.geometric(1.0 / length))
