"""The streams that models are compared on, each with its protocol: given ones, and seeded ones from `streams/`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from benchmarks import stackexchange, streams
from coldspring import dataset
from embedding_worker.text import compose
from online_models.base import OnlineRanker
from recommender.evaluation import Event, Id
from recommender.event_types import EventTypes
from recommender.events import Item

Vectors = Mapping[Id, npt.NDArray[np.float32]]
Texts = Mapping[str, str]
Encode = Callable[[str, Texts], Vectors]
"""(a stream's name, the texts of its items) -> vectors by item; empty where models are to do without."""

MOVIES, BEER = "movietweetings", "stackexchange-beer"
SYNTHETIC_EVENTS = 20_000


@dataclass(frozen=True, slots=True)
class Course:
    """A stream and how it is run.

    told: what has to be known to read its figures. feed: the events; items on the way are announced to the model.
    every: one event in so many is ranked. repeats, unranked: as in `recommender.evaluation.evaluate`. labels: by item,
    for diversity. best: the highest expected (HR@10, NDCG@10) there is, where it is known.
    """

    name: str
    told: str
    feed: Callable[[OnlineRanker], Iterator[Event]]
    events: int
    labels: Mapping[Hashable, Collection[str]]
    every: int = 1
    repeats: bool = False
    unranked: Collection[str] = ()
    best: tuple[float, float] | None = None


def movietweetings(encode: Encode, limit: int | None) -> Course:
    """Film ratings; the set has no announcements, so a film is known from its first event on, with its title then."""
    ratings = list(islice(dataset.interactions(), limit or 60_000))
    films = {film["item_id"]: film for film in dataset.items()}
    texts = {
        item: compose(Item(item, 1, title=films[item]["title"], categories=films[item]["categories"]))
        for item in dict.fromkeys(event["item_id"] for event in ratings)
    }
    vectors = encode(MOVIES, texts)
    types = EventTypes()

    def feed(model: OnlineRanker) -> Iterator[Event]:
        told: set[str] = set()
        for event in ratings:
            item, (low, high) = event["item_id"], event["scale"]
            weight = types.weight(event["type"], event["value"], (low, high))
            yield event["user_id"], item, weight, {"timestamp": event["timestamp"], "type": event["type"]}
            if item not in told:
                told.add(item)
                model.add_item(item, vector=vectors.get(item), text=texts[item], timestamp=event["timestamp"])

    labels: dict[Hashable, list[str]] = {item: films[item]["categories"] for item in texts}
    every = 6 if len(ratings) > 10_000 else 1
    return Course(MOVIES, "an item is announced after its first event", feed, len(ratings), labels, every)


def beer(encode: Encode, limit: int | None) -> Course:
    """Questions and answers: a question is announced when it is asked, so the asking is learned but not ranked."""
    events = stackexchange.events()[:limit]
    questions = stackexchange.items()
    texts = {q.item: compose(Item(q.item, 1, title=q.title, text=q.text, tags=list(q.tags))) for q in questions}
    vectors = encode(BEER, texts)

    def feed(model: OnlineRanker) -> Iterator[Event]:
        told = 0
        for event in events:
            while told < len(questions) and questions[told].timestamp <= event.timestamp:
                item = questions[told].item
                model.add_item(item, vectors.get(item), texts[item], questions[told].timestamp)
                told += 1
            x = {"timestamp": event.timestamp, "type": event.type}
            yield event.user, event.item, stackexchange.WEIGHTS[event.type], x

    labels: dict[Hashable, tuple[str, ...]] = {question.item: question.tags for question in questions}
    told = "own items are ranked too; a question's asking is learned, not ranked"
    return Course(BEER, told, feed, len(events), labels, repeats=True, unranked=("ask",))


def synthetic(kind: str, encode: Encode, limit: int | None, seed: int = 0) -> Course:
    """A seeded stream with a known best possible score; it brings its own vectors."""
    stream = streams.make(kind, events=limit or SYNTHETIC_EVENTS, seed=seed)
    best = stream.best()
    with_vectors = bool(encode(kind, {"any": "any"}))
    labels: dict[Hashable, list[str]] = {part.item: [str(part.topic)] for part in stream.announcements}
    told = "own items are ranked too" if stream.repeats else "own items are left out"
    feed: Callable[[OnlineRanker], Iterator[Event]] = partial(stream.feed, vectors=with_vectors)
    count = len(stream.events)
    return Course(kind, told, feed, count, labels, repeats=stream.repeats, best=(best.hr, best.ndcg))


MAKERS: Mapping[str, Callable[[Encode, int | None], Course]] = MappingProxyType(
    {MOVIES: movietweetings, BEER: beer, **{kind: partial(synthetic, kind) for kind in streams.names()}}
)


def names() -> Sequence[str]:
    """The streams there are."""
    return tuple(MAKERS)


def make(name: str, encode: Encode, limit: int | None = None, seed: int = 0) -> Course:
    """A stream by name, or its first `limit` events; a seed other than 0 draws another synthetic one."""
    return MAKERS[name](encode, limit) if name in (MOVIES, BEER) else synthetic(name, encode, limit, seed)
