"""A stream with a known best possible score: what happened, and what somebody who knew all but the draws would list.

Every event is drawn from probabilities over the items that can be taken at that moment. The oracle knows these: its
list is the k most probable items, so nobody's expected HR@k or NDCG@k is higher. Both are recorded with each event.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Sample = tuple[str, str, float, dict[str, Any]]

K = 10
"""Length of the oracle's lists."""
START_MS = 1_704_067_200_000
"""Event time of the streams' first moment: 2024-01-01."""
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SCALE = (0.0, 10.0)
"""Of ratings."""
WEIGHTS = {"view": 0.2, "click": 1.0, "cart": 2.0, "purchase": 3.0}
_DISCOUNTS = 1.0 / np.log2(np.arange(2, K + 2))


@dataclass(frozen=True, slots=True)
class Announcement:
    """An item is born.

    text: its words, those of its topics more often than others. vector: unit length, near those of items with the same
    topics; None in streams without content. topic: the number of its foremost topic (its category).
    """

    item: str
    timestamp: int
    text: str
    vector: tuple[float, ...] | None
    topic: int


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody took an item, and what the oracle expected.

    y: its weight, as in the events of `online_models`. value: of a rating, on `SCALE`. hr, ndcg: the oracle's expected
    HR@10 and NDCG@10 on this event. place: where the item is in the oracle's list (0: first), None if it is not.
    """

    user: str
    item: str
    y: float
    timestamp: int
    type: str
    hr: float
    ndcg: float
    place: int | None
    best: tuple[str, ...]
    value: float | None = None

    @property
    def sample(self) -> Sample:
        """As models learn it: (user, item, y, {"timestamp", "type"})."""
        return self.user, self.item, self.y, {"timestamp": self.timestamp, "type": self.type}


@dataclass(frozen=True, slots=True)
class Best:
    """What the oracle expects, and what it got with the draws as they fell, as means over events."""

    hr: float
    ndcg: float
    hr_drawn: float
    ndcg_drawn: float
    events: int


class Announced(Protocol):
    """What items can be announced to: the models have it."""

    def add_item(
        self, item: str, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Stream:
    """Announcements and events in the order of their times.

    repeats: users take their own items again, so lists must have them. drift_at: the number of events before the
    planted drift, None without one. minority: users of a planted minority taste.
    """

    name: str
    seed: int
    repeats: bool
    parts: tuple[Announcement | Event, ...]
    drift_at: int | None = None
    minority: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Announcement | Event]:
        return iter(self.parts)

    @property
    def events(self) -> list[Event]:
        """The events alone."""
        return [part for part in self.parts if isinstance(part, Event)]

    @property
    def announcements(self) -> list[Announcement]:
        """The announcements alone."""
        return [part for part in self.parts if isinstance(part, Announcement)]

    def feed(self, model: Announced, vectors: bool = True) -> Iterator[Sample]:
        """The events as samples; items on the way are announced to `model`, with their vectors unless told not to."""
        for part in self.parts:
            if isinstance(part, Event):
                yield part.sample
            else:
                vector = part.vector if vectors else None
                model.add_item(part.item, vector=vector, text=part.text, timestamp=part.timestamp)

    def best(self, start: int = 0, stop: int | None = None, keep: Callable[[int], bool] = lambda _: True) -> Best:
        """The best possible score over events number `start` to `stop`, those that `keep` says."""
        chosen = [event for n, event in islice(enumerate(self.events), start, stop) if keep(n)]
        count = max(1, len(chosen))
        gains = [1.0 / math.log2(event.place + 2) for event in chosen if event.place is not None]
        return Best(
            sum(event.hr for event in chosen) / count,
            sum(event.ndcg for event in chosen) / count,
            len(gains) / count,
            sum(gains) / count,
            len(chosen),
        )


class Tape:
    """Draws events from their probabilities, and records both."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.parts: list[Announcement | Event] = []
        self.events = 0

    def announce(self, part: Announcement) -> None:
        """An item is born."""
        self.parts.append(part)

    def draw(self, chances: Floats) -> int:
        """A row of `chances` [n] (not negative, not all 0; any sum), drawn in proportion to them."""
        ladder = np.cumsum(chances)
        return int(np.searchsorted(ladder, self.rng.random() * ladder[-1], side="right"))

    def take(
        self,
        user: str,
        names: Sequence[str],
        chances: Floats,
        timestamp: int,
        what: str = "click",
        row: int | None = None,
    ) -> int:
        """Record that a user takes an item, drawn in proportion to `chances` [names]; its row.

        row: what was drawn, where the caller drew it by the same chances in some other way.
        """
        if row is None:
            row = self.draw(chances)
        top = np.argsort(-chances, kind="stable")[:K]
        top = top[chances[top] > 0.0]
        share = chances[top] / chances.sum()
        found = np.flatnonzero(top == row)
        self.parts.append(
            Event(
                user, names[row], WEIGHTS[what], timestamp, what, float(share.sum()),
                float(share @ _DISCOUNTS[: len(share)]), int(found[0]) if len(found) else None,
                tuple(names[place] for place in top.tolist()),
            )
        )  # fmt: skip
        self.events += 1
        return row


def softmax(utility: Floats) -> Floats:
    """Chances in proportion to exp(utility), [n]; they sum to 1."""
    chances = np.exp(utility - utility.max())
    return np.asarray(chances / chances.sum())
