"""The synthetic streams: the same from the same seed, as planted, and nobody beats the oracle."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import streams
from benchmarks.streams import Event, Stream
from online_models import make
from recommender.evaluation import evaluate

EVENTS = 2_000


@pytest.fixture(scope="module", params=streams.names())
def stream(request: pytest.FixtureRequest) -> Stream:
    return streams.make(request.param, EVENTS, seed=7)


def test_the_same_seed_gives_the_same_and_another_another(stream: Stream) -> None:
    assert len(stream.events) == EVENTS
    name = "drift" if stream.drift_at else stream.name
    assert stream == streams.make(name, EVENTS, seed=7)
    assert stream.parts != streams.make(name, EVENTS, seed=8).parts


def test_times_only_go_on_and_items_are_born_before_they_are_taken(stream: Stream) -> None:
    times = [part.timestamp for part in stream]
    assert times == sorted(times)
    born: set[str] = set()
    for part in stream:
        if isinstance(part, Event):
            assert part.item in born
            assert born >= set(part.best)
        else:
            assert part.item not in born
            born.add(part.item)


def test_users_take_their_own_again_only_where_they_may(stream: Stream) -> None:
    taken = [(event.user, event.item) for event in stream.events]
    again = 1.0 - len(set(taken)) / len(taken)
    assert again > 0.2 if stream.repeats else again == 0.0
    if not stream.repeats:
        own: dict[str, set[str]] = defaultdict(set)
        for event in stream.events:
            assert not own[event.user] & set(event.best)
            own[event.user].add(event.item)


def test_draws_fall_as_the_oracle_expects(stream: Stream) -> None:
    best = stream.best()
    for expected, drawn in ((best.hr, best.hr_drawn), (best.ndcg, best.ndcg_drawn)):
        assert abs(expected - drawn) < 4.0 * math.sqrt(expected * (1.0 - expected) / EVENTS)


@pytest.mark.parametrize("name", ["decayed_popularity", "item_item"])
def test_no_model_beats_the_oracle(stream: Stream, name: str) -> None:
    model = make(name)
    found = evaluate(model, stream.feed(model), every=3, repeats=stream.repeats).as_dict()
    best = stream.best(keep=lambda number: number % 3 == 0)
    assert 0.0 < found["hr@10"] < best.hr
    assert 0.0 < found["ndcg@10"] < best.ndcg


def test_what_somebody_else_would_be_shown_is_worse_than_the_oracle(stream: Stream) -> None:
    events = stream.events
    own = sum(event.item in event.best for event in events)
    other = sum(event.item in before.best for before, event in pairwise(events))
    assert other < 0.9 * own


def test_texts_and_vectors_tell_the_topic(stream: Stream) -> None:
    told = stream.announcements[:400]
    vectors = np.array([part.vector for part in told])
    vectors -= vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = [set(part.text.split()) for part in told]
    alike: list[float] = []
    unlike: list[float] = []
    shared: list[int] = []
    strange: list[int] = []
    for one in range(len(told)):
        for other in range(one):
            same = told[one].topic == told[other].topic
            (alike if same else unlike).append(float(vectors[one] @ vectors[other]))
            (shared if same else strange).append(len(words[one] & words[other]))
    assert np.mean(alike) > np.mean(unlike) + 0.3
    assert np.mean(shared) > 2.0 * np.mean(strange)


def test_films_are_rated_by_taste_and_have_a_long_tail() -> None:
    stream = streams.make("films", EVENTS)
    assert {event.type for event in stream.events} == {"rating"}
    values = [event.value for event in stream.events if event.value is not None]
    assert len(values) == EVENTS
    assert len(set(values)) > 5
    counts = np.sort(np.unique([event.item for event in stream.events], return_counts=True)[1])[::-1]
    assert counts[: len(counts) // 10].sum() > 0.25 * EVENTS
    assert (counts <= 5).mean() > 0.2


def test_a_planted_minority_keeps_to_its_own_topic() -> None:
    stream = streams.make("films", EVENTS, minority=0.1, items=400)
    topics = {part.item: part.topic for part in stream.announcements}
    last = max(topics.values())
    own = [topics[event.item] == last for event in stream.events if event.user in stream.minority]
    others = [topics[event.item] == last for event in stream.events if event.user not in stream.minority]
    assert len(own) > 60
    assert np.mean(own) > 0.5
    assert np.mean(others) < 0.1


def test_news_are_read_within_hours() -> None:
    stream = streams.make("news", EVENTS)
    born = {part.item: part.timestamp for part in stream.announcements}
    ages = np.array([event.timestamp - born[event.item] for event in stream.events]) / streams.HOUR
    assert 1.0 < np.median(ages) < 24.0
    assert ages.max() <= 72.0


def test_shops_funnel_and_repurchase_as_planted() -> None:
    stream = streams.make("shop", 4 * EVENTS)
    after: dict[str, Event] = {}
    carted, viewed, bought, carts = 0, 0, 0, 0
    purchases: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in stream.events:
        before = after.get(event.user)
        if before is not None and event.timestamp - before.timestamp < streams.HOUR:
            viewed += before.type == "view"
            carted += before.type == "view" and event.type == "cart" and event.item == before.item
            carts += before.type == "cart"
            bought += before.type == "cart" and event.type == "purchase" and event.item == before.item
        after[event.user] = event
        if event.type == "purchase":
            purchases[event.user, event.item].append(event.timestamp)
    assert carted / viewed == pytest.approx(0.25, abs=0.03)
    assert bought / carts == pytest.approx(0.55, abs=0.06)
    gaps = np.array([later - first for times in purchases.values() for first, later in pairwise(times)]) / streams.DAY
    assert len(gaps) > 30
    assert 3.0 < np.median(gaps) < 16.0


def test_sessions_are_short_and_births_come_all_the_time() -> None:
    stream = streams.make("sessions", EVENTS)
    lengths = np.unique([event.user for event in stream.events], return_counts=True)[1]
    assert 3.0 < lengths.mean() < 8.0
    born = streams.make("births", EVENTS)
    cold = 0
    counts: dict[str, int] = defaultdict(int)
    for event in born.events:
        cold += counts[event.item] <= 5
        counts[event.item] += 1
    assert cold > 0.4 * EVENTS


@pytest.mark.parametrize("kind", ["tastes", "appeal", "both"])
def test_a_drift_changes_what_is_best_at_once(kind: str) -> None:
    stream = streams.make("films", EVENTS, drift=0.5, drift_kind=kind)
    assert stream.drift_at == EVENTS // 2
    lists: dict[str, list[tuple[bool, frozenset[str]]]] = defaultdict(list)
    for number, event in enumerate(stream.events):
        lists[event.user].append((number >= stream.drift_at, frozenset(event.best)))
    through: list[float] = []
    within: list[float] = []
    for rows in lists.values():
        for (late, before), (later, after) in pairwise(rows):
            (through if later and not late else within).append(len(before & after) / 10)
    assert np.mean(within) > 0.7
    assert np.mean(through) < 0.35
