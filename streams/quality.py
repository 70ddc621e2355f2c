"""Live quality: each tested event is predicted before it is learned, and hits are counted in moving windows.

What is tested, what the slices are and how the alarm works: docs/live-quality.md.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from online_models.drift import DropAlarm
from recommender.evaluation import COLD_ITEM_EVENTS, COLD_USER_EVENTS
from streams.hit_window import HitWindow

logger = logging.getLogger(__name__)

K: Final = 10
SLICES: Final = ("all", "warm_items", "cold_items", "warm_users", "cold_users")
WATCHED: Final = "default"
"""The model whose drop raises the alarm."""
LEAST: Final = 30
"""A rate that rests on fewer tested events is no point of a curve."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An event that is about to be learned: who took what at which event time (ms), and how much was known before.

    `own` holds the items that a list for the user leaves out, as the tests know them.
    """

    user: str
    item: str
    own: Any
    at: int
    item_events: int
    user_events: int

    @property
    def slices(self) -> tuple[str, ...]:
        """The slices that it counts in."""
        items = "cold_items" if self.item_events <= COLD_ITEM_EVENTS else "warm_items"
        return "all", items, "cold_users" if self.user_events <= COLD_USER_EVENTS else "warm_users"


Test = Callable[[Trial], bool]
"""Is the event's item among the `K` best of a model?"""


class LiveQuality:
    """HR@10 of several models on the same events: over the last `window` tested ones of each slice, and over all.

    Parameters
    ----------
    tests
        The models by name.
    window
        A rate is that of the newest so many tested events of its slice.
    step
        After so many tested events the curves get a point.
    points
        So many points are kept.

    >>> quality = LiveQuality({"default": lambda trial: trial.item == "a"}, window=2)
    >>> for item in ("a", "b", "b"): quality.test(Trial("u1", item, (), 1, item_events=9, user_events=0))
    >>> quality.figures()["models"], quality.figures()["slices"]["cold_users"]
    ({'default': {'hr@10': 0.0, 'hr@10_all': 0.3333}}, {'tested': 3, 'window': 2, 'hr@10': {'default': 0.0}})
    """

    def __init__(self, tests: Mapping[str, Test], window: int = 1_000, step: int = 100, points: int = 120) -> None:
        self._tests = dict(tests)
        self._window = window
        self._step = step
        self._recent = {name: HitWindow(len(tests), window) for name in SLICES}
        self._hits = dict.fromkeys(tests, 0)
        self._points: deque[dict[str, Any]] = deque(maxlen=points)
        self.tested = 0
        self.alarm = DropAlarm()
        self._last: dict[str, Any] = {}

    def test(self, event: Trial) -> None:
        """Ask every model before the event is learned; an item that a model does not know is a miss."""
        self.tested += 1
        hits = [test(event) for test in self._tests.values()]
        for name, hit in zip(self._tests, hits, strict=True):
            self._hits[name] += hit
        for part in event.slices:
            self._recent[part].add(hits)
        self._watch(dict(zip(self._tests, hits, strict=True)).get(WATCHED, False), event.at)
        if self.tested % self._step == 0:
            rates = {part: self._recent[part].rates(LEAST) for part in SLICES}
            self._points.append({"tested": self.tested, "at": event.at, "rates": rates})

    def _watch(self, hit: bool, at: int) -> None:
        drop = self.alarm.update(hit)
        if drop is None:
            return
        before, after = self._recent["all"].rates_around(drop.noticed - drop.began)
        fell = {name: [before[n], after[n]] for n, name in enumerate(self._tests)}
        self._last = {"tested": drop.noticed, "began": drop.began, "at": at, "models": fell}
        logger.warning(
            "the hit rate dropped from %.3f to %.3f, as of %d tested events ago (models before and after: %s)",
            drop.before, drop.after, drop.noticed - drop.began, fell,
        )  # fmt: skip

    def history(self) -> dict[str, Any]:
        """The rates in the moving windows over time, by slice and model: a value for each of `tested` and `at`."""
        names = list(self._tests)
        return {
            "tested": [point["tested"] for point in self._points],
            "at": [point["at"] for point in self._points],
            "rates": {
                part: {name: [point["rates"][part][n] for point in self._points] for n, name in enumerate(names)}
                for part in SLICES
            },
        }

    def figures(self) -> dict[str, Any]:
        """Rates by model and by slice, how many events they rest on, and the alarm."""
        names = list(self._tests)
        windows = {part: dict(zip(names, self._recent[part].rates(), strict=True)) for part in SLICES}
        models = {
            name: {"hr@10": windows["all"][name], "hr@10_all": round(self._hits[name] / max(1, self.tested), 4)}
            for name in names
        }
        slices = {
            part: {"tested": recent.tested, "window": len(recent), "hr@10": windows[part]}
            for part, recent in self._recent.items()
        }
        drift = self._drift()
        return {"tested": self.tested, "window": self._window, "models": models, "slices": slices, "drift": drift}

    def _drift(self) -> dict[str, Any]:
        told: dict[str, Any] = {"alarm": self.alarm.raised, "alarms": self.alarm.drops}
        if (drop := self.alarm.last) is not None:
            rates = {"before": round(drop.before, 4), "after": round(drop.after, 4)}
            told["last"] = {**self._last, **rates, "ended": self.alarm.ended}
        return told

    def state(self) -> dict[str, Any]:
        """What a restart needs, as JSON values."""
        return {
            "models": list(self._tests),
            "tested": self.tested,
            "hits": dict(self._hits),
            "recent": {part: recent.state() for part, recent in self._recent.items()},
            "points": list(self._points),
            "alarm": self.alarm.state(),
            "last": self._last,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave; other models than then are tested from the beginning."""
        if state.get("models") != list(self._tests):
            return
        self.tested = int(state["tested"])
        self._hits.update(state["hits"])
        for part, recent in state["recent"].items():
            self._recent[part].restore(recent)
        self._points.extend(state["points"])
        self.alarm.restore(state["alarm"])
        self._last = dict(state["last"])
