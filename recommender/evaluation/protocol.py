"""The protocol: predict, score, learn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from recommender.evaluation.lists import Similarity, strict_place, unlikeness
from recommender.evaluation.past import Past
from recommender.evaluation.scores import Ranked, Scores
from recommender.evaluation.waiting import Waiting
from recommender.evaluation.windows import Windows

Id = Hashable
Event = tuple[Id, Id, float, Mapping[str, Any] | None]


class Model(Protocol):
    """What can be evaluated: `online_models` has it."""

    def learn_one(self, user: Id, item: Id, y: float, x: Mapping[str, Any] | None = None) -> None:
        """Learn an event."""

    def scored(
        self, user: Id, k: int, exclude: Collection[Id] = (), at: int | None = None
    ) -> Sequence[tuple[Id, float]]:
        """The k best items with their scores, best first."""
        ...


@dataclass(slots=True)
class Report:
    """What an evaluation found: all ranked events, the slices of cold items and of cold users, and the windows."""

    every: Scores
    cold_items: Scores
    cold_users: Scores
    windows: Windows
    learned: int = 0
    """Events so far, ranked or not."""
    items: int = 0
    """Items seen in events or lists: what coverage is a share of."""

    def add(self, ranked: Ranked) -> None:
        """Count one ranked event."""
        self.windows.add(ranked)
        self.every.add(ranked)
        if ranked.cold_item:
            self.cold_items.add(ranked)
        if ranked.cold_user:
            self.cold_users.add(ranked)

    def as_dict(self) -> dict[str, Any]:
        """The measures by name; under `cold_items` and `cold_users` those of the slices; `learned` and `windows`."""
        return {
            **self.every.as_dict(self.items),
            "cold_items": self.cold_items.as_dict(self.items),
            "cold_users": self.cold_users.as_dict(self.items),
            "learned": self.learned,
            "windows": self.windows.points(),
        }


def evaluate(
    model: Model,
    events: Iterable[Event],
    every: int = 1,
    progress: Callable[[int, Report], None] | None = None,
    *,
    k: int = 10,
    similarity: Similarity | None = None,
    repeats: bool = False,
    unranked: Collection[str] = (),
    delay_ms: int = 0,
    own_at_once: bool = False,
    window: int = 1_000,
    record: Callable[[Ranked], None] | None = None,
) -> Report:
    """Predict, score and learn events in their order.

    Parameters
    ----------
    model
        Learns every event.
    events
        (user, item, y, x); `x` may carry `timestamp` in ms, which the list is asked at, and `type`.
    every
        Rank one event in so many (the first of them); all are learned.
    progress
        Called after each ranked event with the number of events so far and the report so far.
    k
        The lists' length.
    similarity
        How alike items are, for diversity: 1 minus the mean over a list's pairs. Without it diversity is None.
    repeats
        Rank the user's own items too. Without it, an event that repeats an earlier one is a miss.
    unranked
        Types of events that are learned but never predicted, as nobody could be led to them by a list.
    delay_ms
        An event is learned when another one that is so much later in event time is about to be predicted (see
        `Waiting`); an event without a timestamp is learned at once. What a list leaves out (the user's own items), and
        what is cold, goes by the events that happened, learned or not. Whatever still waits is learned at the end.
    own_at_once
        With a delay: before a user is predicted, what waits of theirs is learned, out of its turn (and so for all).
    window
        Ranked events in a moving window.
    record
        Called with each ranked event.

    Raises
    ------
    ValueError
        If `every` or `k` is below 1, `delay_ms` below 0, or `window` below 2.
    """
    if min(every, k) < 1:
        raise ValueError("every and k must be at least 1")
    if delay_ms < 0:
        raise ValueError("delay_ms must be at least 0")
    report = Report(Scores(k), Scores(k), Scores(k), Windows(k, window))
    past, waiting = Past(), Waiting(delay_ms)
    for number, (user, item, y, x) in enumerate(events):
        at = None if x is None else x.get("timestamp")
        if at is not None:
            _learn(model, waiting.due(at))
        counts = number % every == 0 and (x is None or x.get("type") not in unranked)
        if counts:
            if own_at_once:
                _learn(model, waiting.of(user))
            found = model.scored(user, k + 1, exclude=() if repeats else past.own(user), at=at)
            ranked = _ranked(number, user, item, at, found, k, past, similarity)
            report.add(ranked)
            if record is not None:
                record(ranked)
        if delay_ms and at is not None:
            waiting.add(at, (user, item, y, x))
        else:
            model.learn_one(user, item, y, x)
        past.add(user, item)
        report.learned = number + 1
        if counts and progress is not None:
            report.items = len(past.items)
            progress(number + 1, report)
    _learn(model, waiting.rest())
    report.items = len(past.items.keys() | report.every.shown.keys())
    return report


def _learn(model: Model, events: Iterable[Event]) -> None:
    for event in events:
        model.learn_one(*event)


def _ranked(
    number: int,
    user: Id,
    item: Id,
    at: int | None,
    found: Sequence[tuple[Id, float]],
    k: int,
    past: Past,
    similarity: Similarity | None,
) -> Ranked:
    shown = [name for name, _ in found[:k]]
    return Ranked(
        number=number,
        user=user,
        item=item,
        at=at,
        place=strict_place(item, found, k),
        shown=shown,
        cold_item=past.cold_item(item),
        cold_user=past.cold_user(user),
        diversity=None if similarity is None else unlikeness(similarity, shown),
        novelty=past.novelty(shown),
        popularity=past.popularity(shown),
    )
