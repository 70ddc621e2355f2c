"""How long a new film takes: from being published to being found, and to being in somebody's list."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from coldspring.client import Client
from coldspring.demo.films import Pair
from coldspring.errors import AnswerError, CommandError
from coldspring.producer import Producer

LIMIT_S: Final = 15.0
"""A film that is not there by then counts with this time, so that no failure makes the figures better."""

POLL_S: Final = 0.01
SETTLE_S: Final = 180.0
"""How long the films played before may still be in the way of the new ones, on a slow machine."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of one film."""

    searchable_ms: float
    recommended_ms: float


class Stopwatch:
    """Announces new films one after another and asks until they are there.

    Parameters
    ----------
    pause: sleeps so many seconds and looks after the system.
    """

    def __init__(
        self, client: Client, producer: Producer, pause: Callable[[float], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:  # fmt: skip
        self._client = client
        self._producer = producer
        self._pause = pause
        self._clock = clock

    def settle(self, pairs: Sequence[Pair]) -> None:
        """Announce the films that the fans know, have the fans choose them, and wait until both have arrived.

        Raises
        ------
        CommandError: when they do not: then there is nothing to time.
        """
        for pair in pairs:
            self._producer.item(**pair.known)
            self._producer.interaction(user_id=pair.fan, item_id=pair.known["item_id"], type="like")
        self._producer.flush()
        deadline = self._clock() + SETTLE_S
        while not all(self._searchable(pair.known) and self._chosen(pair) for pair in pairs):
            if self._clock() > deadline:
                raise CommandError(f"no new film was found within {SETTLE_S:g} s: do the worker and the encoder run?")
            self._pause(0.2)

    def time(self, pair: Pair) -> Timed:
        """Publish one new film and wait until it is found, and in its fan's list."""
        began = self._clock()
        self._producer.item(**pair.new)
        self._producer.flush()
        searchable = recommended = math.inf
        while math.isinf(max(searchable, recommended)) and self._clock() - began < LIMIT_S:
            if math.isinf(searchable) and self._searchable(pair.new):
                searchable = self._clock() - began
            if math.isinf(recommended) and self._recommended(pair):
                recommended = self._clock() - began
            self._pause(POLL_S)
        return Timed(1000 * min(searchable, LIMIT_S), 1000 * min(recommended, LIMIT_S))

    def _searchable(self, film: dict[str, Any]) -> bool:
        try:
            found = self._client.query(text=film["title"], n=10)
        except AnswerError:
            return False
        return _holds(found["items"], film)

    def _recommended(self, pair: Pair) -> bool:
        try:
            return _holds(self._client.recommend(pair.fan, 10)["items"], pair.new)
        except AnswerError:
            return False

    def _chosen(self, pair: Pair) -> bool:
        try:
            return bool(self._client.user(pair.fan)["history"])
        except AnswerError:
            return False


def _holds(items: Sequence[dict[str, Any]], film: dict[str, Any]) -> bool:
    return any(item["item_id"] == film["item_id"] for item in items)


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50 and p99 (nearest rank, so of 20 values the largest).

    >>> spread([1.0, 2.0, 3.0])
    {'p50': 2.0, 'p99': 3.0}
    """
    ordered = sorted(values)
    return {
        f"p{percent}": round(ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)], 1) for percent in (50, 99)
    }
