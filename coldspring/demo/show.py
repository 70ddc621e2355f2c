"""The demo from start to evidence."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from coldspring import wiring
from coldspring.backlog import Backlog
from coldspring.client import Client
from coldspring.demo.films import pairs
from coldspring.demo.measure import Stopwatch, Timed, spread
from coldspring.demo.play import Player
from coldspring.errors import AnswerError
from coldspring.live_state import STATEFUL, LiveState
from coldspring.producer import Producer
from coldspring.system import System

Show = Callable[[int, str], None]

GLANCE_S: Final = 1.0
LESSONS_S: Final = 90.0
"""How long the hit rate is waited for: the trainer learns behind the events."""


class Demo:
    """Plays, measures and sums up, on a system that serves.

    Parameters
    ----------
    lines: of the data set, objects with `kind`.

    Attributes
    ----------
    show: a progress bar, if one is wanted: takes how many events, and words beside it.
    timed: the new films' times so far.
    """

    def __init__(self, system: System, lines: Iterator[dict[str, Any]]) -> None:
        self._system = system
        self.show: Show = lambda _events, _words: None
        settings = system.config.settings
        self._client = Client(system.url)
        self._producer: Producer = wiring.producer(settings)
        self._state: LiveState = wiring.live_state(settings)
        begin = wiring.end_offsets(settings, STATEFUL)
        backlog = Backlog(self._state.positions, begin, meanwhile=lambda: system.pause(0))
        self._player = Player(lines, self._producer, backlog, settings.items_partitions)
        self._glanced = 0.0
        self.timed: list[Timed] = []

    def play(self, events: int) -> None:
        """Play so many events fast; lists change meanwhile, and the bar says what leads them."""
        self._player.play(events, self._glance)
        self._producer.flush()

    @contextlib.contextmanager
    def trickling(self, rate: float) -> Iterator[None]:
        """The rest of the events, slowly, in the background."""
        stop = threading.Event()
        thread = threading.Thread(target=self._player.trickle, args=(rate, stop), daemon=True, name="trickle")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(5.0)

    def measure(self) -> None:
        """Announce the new films, one after another, and time each."""
        stopwatch = Stopwatch(self._client, self._producer, self._system.pause)
        films = pairs(secrets.token_hex(3))
        stopwatch.settle(films)
        for number, pair in enumerate(films, 1):
            self.timed.append(stopwatch.time(pair))
            self.show(self._player.events, f"new film {number} of {len(films)}: {pair.new['title']}")

    def await_lessons(self) -> None:
        """Wait until the trainer has learned what was played, for a while."""
        deadline = time.monotonic() + LESSONS_S
        while time.monotonic() < deadline:
            learned = self._state.quality().get("examples", 0)
            if learned >= 0.9 * self._state.counts()["applied"]:
                return
            self.show(self._player.events, f"{learned} lessons learned")
            self._system.pause(0.5)

    def evidence(self) -> dict[str, Any]:
        """What was found (contract section 5)."""
        quality = self._state.quality()
        models = quality.get("models", {})
        return {
            "published_to_searchable_ms": spread([one.searchable_ms for one in self.timed]),
            "published_to_recommended_ms": spread([one.recommended_ms for one in self.timed]),
            "hr@10": models.get("default", {}).get("hr@10_all"),
            "popularity_hr@10": models.get("popularity", {}).get("hr@10_all"),
            "events": self._state.counts()["applied"],
            "new_items": len(self.timed),
            "tested_events": quality.get("tested", 0),
        }

    def close(self) -> None:
        """Disconnect."""
        self._client.close()
        self._producer.close()

    def _glance(self) -> None:
        self._system.pause(0)
        if time.monotonic() - self._glanced < GLANCE_S:
            return
        self._glanced = time.monotonic()
        try:
            leading = self._client.trending(1)
        except AnswerError:
            leading = []
        words = f"rising: {leading[0].get('title') or leading[0]['item_id']}" if leading else ""
        self.show(self._player.events, words)
