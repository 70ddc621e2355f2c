"""What every model keeps, whatever it learns by."""

from __future__ import annotations

import itertools
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from online_models.base import Event, OnlineRanker
from online_models.registry import make, names

START = 1_367_884_800_000

DIGEST = """
import hashlib, sys
from tests.contract.test_models import stream
from online_models.registry import make, names
for name in names():
    model = make(name, seed=3)
    model.learn_many(stream())
    lists = [model.recommend(user, 10) for user in ("u1", "u2", "nobody")]
    print(name, hashlib.sha256(model.save()).hexdigest(), lists)
"""


def stream(events: int = 600, users: int = 25, items: int = 60, seed: int = 1) -> list[Event]:
    """Users with a taste for a third of the items, newer ones more, and some dislikes."""
    rng = random.Random(seed)
    out: list[Event] = []
    for number in range(events):
        user, item = rng.randrange(users), int(rng.triangular(0, items, items * number / events))
        liked = user % 3 == item % 3
        kind = "like" if liked else rng.choice(["view", "dislike"])
        weight = {"like": 2.0, "view": 0.2, "dislike": -1.0}[kind]
        out.append((f"u{user}", f"i{item}", weight, {"timestamp": START + 60_000 * number, "type": kind}))
    return out


@pytest.fixture(params=names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def learned(name: str) -> OnlineRanker:
    model = make(name)
    rng = np.random.default_rng(0)
    for item in range(0, 60, 2):
        model.add_item(f"i{item}", vector=rng.normal(size=8), text="about", timestamp=START)
    model.learn_many(stream())
    return model


def test_asking_changes_nothing(learned: OnlineRanker) -> None:
    before = learned.save()
    for user, item in itertools.product(("u1", "nobody", ""), ("i1", "nothing", "")):
        learned.predict_one(user, item)
        learned.predict_one(user, item, {"timestamp": START + 10**9})
        learned.rank(user, {item, "i2", "i3"})
    for user in ("u1", "nobody"):
        learned.recommend(user, 10)
        learned.recommend(user, 5, exclude=["i1", "nothing"], at=START)
        learned.scored(user, 100, at=START + 10**12)
    assert learned.save() == before


def test_asking_does_not_change_what_is_learned_next(name: str) -> None:
    quiet, asked = make(name), make(name)
    for user, item, y, x in stream():
        asked.predict_one(user, item, x)
        asked.predict_one("stranger", item, x)
        asked.recommend(user, 5)
        for model in (quiet, asked):
            model.learn_one(user, item, y, x)
    assert quiet.save() == asked.save()


def test_learn_many_is_the_loop_of_learn_one(name: str) -> None:
    loop, many, cut = make(name), make(name), make(name)
    events = stream()
    for user, item, y, x in events:
        loop.learn_one(user, item, y, x)
    many.learn_many(events)
    cut.learn_many(iter(events[:217]))
    cut.learn_many(events[217:])
    assert loop.save() == many.save() == cut.save()


def test_the_same_in_every_process() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=True,
            capture_output=True,
            text=True,
            timeout=150,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1
    assert [line.split()[0] for line in outputs.pop().splitlines()] == list(names())


def test_saved_and_loaded_goes_on_alike(learned: OnlineRanker, name: str) -> None:
    copy = make(name)
    copy.load(learned.save())
    assert copy.save() == learned.save()
    for model in (learned, copy):
        model.learn_many(stream(seed=2))
        model.add_item("late", vector=np.ones(8))
    assert copy.save() == learned.save()
    for user in ("u1", "u9", "nobody"):
        assert copy.scored(user, 20) == learned.scored(user, 20)


def test_an_empty_model_can_be_asked_and_saved(name: str) -> None:
    model = make(name)
    assert model.recommend("u1", 10) == []
    assert math.isfinite(model.predict_one("u1", "i1"))
    assert model.rank("u1", ["b", "a"]) == ["a", "b"]
    copy = make(name)
    copy.load(model.save())
    assert copy.save() == model.save()


@pytest.mark.parametrize("y", [math.nan, math.inf, -math.inf, 1_001.0, -1e12])
def test_what_is_no_number_is_refused(learned: OnlineRanker, y: float) -> None:
    before = learned.save()
    with pytest.raises(ValueError, match="finite"):
        learned.learn_one("u1", "i1", y)
    assert learned.save() == before


@pytest.mark.parametrize("user", [None, 1.5, ("u", 1)])
def test_what_is_no_id_is_refused(learned: OnlineRanker, user: object) -> None:
    before = learned.save()
    with pytest.raises(TypeError, match="id is a string"):
        learned.learn_one(user, "i1", 1.0)
    assert learned.save() == before


def test_integers_are_ids_too(name: str) -> None:
    model = make(name)
    model.learn_many([(1, 7, 1.0, None), (2, np.int64(7), 1.0, None), (2, "7", 1.0, None)])
    copy = make(name)
    copy.load(model.save())
    assert sorted(copy.recommend(1, 5), key=repr) == ["7", 7]


def test_scores_are_what_predict_one_says_and_in_order(learned: OnlineRanker) -> None:
    at = START + 60_000 * 700
    for user in ("u1", "u8", "nobody"):
        found = learned.scored(user, 20, at=at)
        assert len(found) == 20
        assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
        for item, score in found:
            assert learned.predict_one(user, item, {"timestamp": at}) == score
        items = [item for item, _ in found]
        assert learned.rank(user, set(items), {"timestamp": at}) == items


def test_excluded_items_stay_out_and_the_rest_fills_up(learned: OnlineRanker) -> None:
    known = set(learned.recommend("u1", 1000))
    assert known == set(learned.known())
    exclude = [*sorted(known, key=str)[:40], "nothing"]
    rest = learned.recommend("u1", 1000, exclude=exclude)
    assert set(rest) == known - set(exclude)
    assert rest[:5] == learned.recommend("u1", 5, exclude=exclude)
    assert learned.recommend("u1", 0) == []


def test_an_announced_item_can_be_recommended(name: str) -> None:
    model = make(name)
    model.add_item("new", timestamp=START)
    assert model.recommend("u1", 3) == ["new"]
    model.learn_one("u1", "old", 1.0, {"timestamp": START})
    assert set(model.recommend("u2", 3)) == {"new", "old"}


def test_one_wrong_clock_does_no_lasting_harm(name: str) -> None:
    sane, upset = make(name), make(name)
    events = stream()
    sane.learn_many(events)
    upset.learn_many(events[:300])
    upset.learn_one("u1", "i59", 1.0, {"timestamp": 253_402_300_799_999, "type": "click"})
    upset.learn_many(events[300:])
    overlap = set(sane.recommend("nobody", 10)) & set(upset.recommend("nobody", 10))
    assert len(overlap) >= 7


def checkerboard(held_out: float) -> tuple[list[Event], list[tuple[str, str, bool]]]:
    """Users like the items of their own colour and dislike the others; some squares are never seen."""
    rng = random.Random(5)
    cells = [(u, i, (u + i) % 2 == 0) for u in range(16) for i in range(16)]
    rng.shuffle(cells)
    cut = int(len(cells) * held_out)
    seen = [cell for _ in range(25) for cell in rng.sample(cells[cut:], len(cells) - cut)]
    events: list[Event] = [
        (f"u{u}", f"i{i}", 1.0 if liked else -1.0, {"timestamp": START + 1000 * number})
        for number, (u, i, liked) in enumerate(seen)
    ]
    return events, [(f"u{u}", f"i{i}", liked) for u, i, liked in cells[:cut]]


def pairs(cells: list[tuple[str, str, bool]]) -> Iterator[tuple[str, str, str]]:
    """(user, an item they would like, one they would not), both never seen by them."""
    for (user, good, liked), (other, bad, disliked) in itertools.permutations(cells, 2):
        if user == other and liked and not disliked:
            yield user, good, bad


# The popularities are exempt: they have no personal part, every user gets the same list. So is what goes by content
# alone: it learns nothing from events.
@pytest.mark.parametrize("name", sorted(set(names()) - {"popularity", "decayed_popularity", "content"}))
def test_planted_tastes_are_found(name: str) -> None:
    events, held_out = checkerboard(0.2)
    model = make(name)
    model.learn_many(events)
    verdicts = [model.predict_one(u, good) > model.predict_one(u, bad) for u, good, bad in pairs(held_out)]
    assert len(verdicts) > 30
    assert sum(verdicts) / len(verdicts) > 0.9


def test_names_and_parameters_are_checked() -> None:
    with pytest.raises(ValueError, match="no model is called 'best'; there are default, "):
        make("best")
    with pytest.raises(TypeError):
        make("popularity", half_life=3)
