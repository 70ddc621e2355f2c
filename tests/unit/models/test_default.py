from __future__ import annotations

import random

import numpy as np
import pytest

from online_models.base import Event
from online_models.candidates import ALL, best_covisits, free
from online_models.default import Default
from online_models.own_items import OwnItems
from recommender.evaluation import strict_place

START = 1_367_884_800_000


def stream(events: int = 2500, users: int = 60, items: int = 900, seed: int = 0) -> list[Event]:
    """Enough items that candidates have to be chosen; neighbours in number go together."""
    rng = random.Random(seed)
    at: dict[int, int] = {}
    out: list[Event] = []
    for number in range(events):
        user = rng.randrange(users)
        at[user] = (at.get(user, rng.randrange(items)) + rng.randint(-6, 6)) % items
        timestamp = START + 60_000 * number
        out.append((f"u{user}", f"i{at[user]}", rng.choice([1.0, 2.0, 0.2, -1.0]), {"timestamp": timestamp}))
    return out


@pytest.fixture(scope="module")
def learned() -> Default:
    model = Default()
    rng = np.random.default_rng(0)
    for item in range(0, 900, 3):
        model.add_item(f"i{item}", vector=rng.normal(size=6), timestamp=START)
    model.learn_many(stream())
    assert len(model.known()) > ALL
    return model


def test_saved_and_loaded_goes_on_alike_among_many_items(learned: Default) -> None:
    one, other = Default(), Default()
    for model in (one, other):
        model.load(learned.save())
    one.learn_many(stream(200, seed=1))
    for event in stream(200, seed=1):
        other.recommend("u1", 10)
        other.learn_one(*event)
    assert one.save() == other.save()
    assert one.scored("u3", 30) == other.scored("u3", 30)


def test_candidates_come_once_and_without_the_excluded(learned: Default) -> None:
    exclude = learned.recommend("u5", 40)
    gone = np.array([learned.known().index(item) for item in exclude])
    with learned._look("u5", learned._user("u5"), None) as view:
        candidates = learned._candidates(view)
        candidates = candidates[free(candidates, gone, learned.state.dictionary.tie, learned._mark)]
        features = learned._features(view, candidates)
    assert len(set(candidates.tolist())) == len(candidates)
    assert not set(candidates.tolist()) & set(gone.tolist())
    assert 100 < len(candidates) <= ALL + 200
    assert np.isfinite(features).all()
    assert (learned._own.table == OwnItems().table[0]).all()
    assert not learned._mark.any()
    assert not learned._covisits.table.any()


def test_scores_agree_however_they_are_asked_for(learned: Default) -> None:
    found = learned.scored("u5", 10)
    everything = dict(zip(learned.known(), learned.scores("u5").tolist(), strict=True))
    for item, score in found:
        assert learned.predict_one("u5", item) == everything[item] == score
    assert len(learned.recommend("u5", 5000)) == len(learned.known())
    assert learned.recommend("u5", 5000)[:3] != learned.recommend("u6", 5000)[:3]


def test_content_finds_an_item_without_events() -> None:
    model = Default()
    rng = np.random.default_rng(1)
    for item in range(600):
        model.add_item(f"i{item}", vector=[1.0, *rng.normal(size=7)], timestamp=START)
    taste = np.array([1.0, 3.0, *np.zeros(6)])
    model.add_item("liked", vector=taste, timestamp=START)
    model.add_item("alike", vector=taste + 0.01, timestamp=START)
    for item in range(600, 700):
        model.add_item(f"i{item}", vector=[1.0, *rng.normal(size=7)], timestamp=START)
    model.learn_one("u1", "liked", 1.0, {"timestamp": START + 1000})
    with model._look("u1", model._user("u1"), None) as view:
        candidates = model._candidates(view)
    assert model.known().index("alike") in candidates


def test_what_goes_together_is_found(learned: Default) -> None:
    wanted = [(user, item) for user, item, y, _ in stream(2700)[2500:] if y > 0.0]
    hits = sum(item in learned.recommend(user, 50) for user, item in wanted)
    assert hits > 4 * len(wanted) * 50 / 900  # four times chance


@pytest.mark.parametrize("n", [1, 3, 9])
def test_the_best_neighbours_are_found(n: int) -> None:
    table, own = np.zeros((6, 2)), OwnItems()
    table[:, 0] = [3.0, 1.0, 2.0, 5.0, 2.0, 0.0]
    own.read(np.array([3]), np.array([7]), np.array([1]))  # what the user has is no neighbour
    best = best_covisits(np.array([4, 3, 2, 1, 0, 5]), table, own.table, n)
    assert sorted(best.tolist()) == sorted([0, 2, 4, 1][:n])


@pytest.mark.parametrize("vector", [[0.0, 0.0], [np.nan, 1.0], [[1.0]], [1.0, 2.0, 3.0]])
def test_a_vector_that_does_not_fit_is_refused(vector: list[float]) -> None:
    model = Default()
    model.add_item("a", vector=[1.0, 2.0])
    before = model.save()
    with pytest.raises(ValueError, match="vector"):
        model.add_item("b", vector=vector)
    assert model.save() == before


def test_a_text_finds_an_item_without_events() -> None:
    model = Default()
    for item in range(600):
        model.add_item(f"i{item}", text=f"word{item} and word{item % 7}", timestamp=START)
    model.add_item("liked", text="sailing ships on the southern sea", timestamp=START)
    model.add_item("alike", text="ships sailing the northern sea", timestamp=START)
    for item in range(600, 700):
        model.add_item(f"i{item}", text=f"word{item} and word{item % 7}", timestamp=START)
    model.learn_one("u1", "liked", 1.0, {"timestamp": START + 1000})
    assert model.recommend("u1", 1, exclude=["liked"]) == ["alike"]


def test_a_vector_wins_over_a_text() -> None:
    model = Default()
    for item, vector in (("liked", [1.0, 0.0]), ("near", [0.9, 0.1]), ("far", [0.0, 1.0])):
        model.add_item(item, vector=vector, text="liked" if item == "far" else item, timestamp=START)
        model.add_item(item, text="the same words for all")
    model.learn_one("u1", "liked", 1.0, {"timestamp": START + 1000})
    assert model.recommend("u1", 1, exclude=["liked"]) == ["near"]


def test_the_parts_are_the_score(learned: Default) -> None:
    items = learned.recommend("u5", 7)
    parts = learned.parts_of("u5", items)
    assert parts.sum(axis=1).tolist() == pytest.approx([learned.predict_one("u5", item) for item in items], abs=1e-9)


def test_a_hit_is_what_the_protocol_of_the_evaluation_calls_one(learned: Default) -> None:
    found: set[bool] = set()
    for user, item, _, x in stream(2700)[2400:]:
        row = learned._user(user)
        assert row is not None
        gone, at = np.unique(row.items).astype(np.int64), int(x["timestamp"]) if x else 0
        exclude = [learned.known()[index] for index in gone.tolist()]
        index = learned._index(item)
        if index is None:
            continue
        place = strict_place(item, learned.scored(user, 51, exclude, at), 50)
        found.add(learned.hits(user, index, 50, gone, at))
        assert learned.hits(user, index, 50, gone, at) == (place is not None), item
    assert found == {True, False}


def test_a_lesson_after_a_test_is_the_lesson_without_it(learned: Default) -> None:
    one, other = Default(), Default()
    for model in (one, other):
        model.load(learned.save())
    for user, item, y, x in stream(300, seed=2):
        index = other._index(item)
        if index is not None and x is not None:
            other.hits(user, index, 10, np.zeros(0, np.int64), int(x["timestamp"]))
            if str(item).endswith("3"):  # what comes in between is in the lesson
                one.add_item(f"new {item}", vector=np.ones(6))
                other.add_item(f"new {item}", vector=np.ones(6))
        one.learn_one(user, item, y, x)
        other.learn_one(user, item, y, x)
    assert one.save() == other.save()


def test_counted_together_is_counted_one_by_one() -> None:
    one, other = Default(), Default()
    events = stream(600)
    for event in events:
        one.count_many([event])
    for at in range(0, len(events), 37):
        other.count_many(events[at : at + 37])
    assert one.save() == other.save()
