"""Serving follows what the trainer publishes: what changed, and everything after the trainer wrote everything anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from online_models.caps import Caps
from online_models.default import Default
from online_models.features import NAMES
from recommender.keys import Keys
from recommender.numbering import Names, Numbering
from serving.views.redis_model import connect as connect_waiting
from serving.views.trained import TrainedView
from streams.local_store import LocalStore
from streams.redis_store import connect
from streams.trainer_publishing import SPARE, TrainerPublishing

KEYS = Keys("c")


def learned(model: Default, start: int, end: int) -> None:
    for number in range(start, end):
        model.learn_one(f"u{number % 5}", f"i{number % (7 + number // 20)}", 1.0, {"timestamp": 1_000 + number})


async def test_the_view_has_what_the_trainer_has(embedded_store: LocalStore) -> None:
    client: Any = connect(embedded_store.url)
    waiting = connect_waiting(embedded_store.url)
    view = TrainedView(waiting, KEYS, NAMES)
    model, publishing = Default(), TrainerPublishing(client, KEYS)

    async def agree() -> None:
        publishing.write(model, publishing.weights(model), {})
        await view.follow()
        assert view.blend.weights(5, 1.0) == model.blend.weights(5, 1.0)
        items = [*model.known(), "nothing"]
        for user in ("u1", "u4", "nobody"):
            await view.prepare(user)
            expected = model.mf.score_items(user, items) - model.mf.user_level(user)
            found = view.score(user, named(*map(str, items)))
            assert found is not None
            assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-12)

    await view.follow()
    assert view.score("u1", named("i1")) is None  # nothing was published yet
    for end in (30, 31, 31, 90):
        learned(model, end - 30, end)
        await agree()
    publishing = TrainerPublishing(client, KEYS)  # another process, whose trainer knows other items
    model = Default()
    learned(model, 200, 240)
    await agree()
    client.flushall()  # the store lost everything
    await agree()
    await waiting.aclose()
    client.close()


def named(*items: str) -> Names:
    """Items as a reader asks for them, whose numbers are its own."""
    numbering = Numbering()
    numbers = [numbering.number(item) for item in items[::-1]]
    return Names(numbering, np.array(numbers[::-1]))


async def test_only_rows_that_changed_are_read(embedded_store: LocalStore) -> None:
    client: Any = connect(embedded_store.url)
    waiting = connect_waiting(embedded_store.url)
    view = TrainedView(waiting, KEYS, NAMES)
    model, publishing = Default(), TrainerPublishing(client, KEYS)
    learned(model, 0, 40)
    publishing.write(model, publishing.weights(model), {})
    await view.follow()
    before = view.score("nobody", named("i1", "i2"))
    client.hset(
        KEYS.trainer("mf_items"), "i2", bytes(88)
    )  # behind the trainer's back: its next turn says nothing of it
    model.learn_one("u1", "i1", 3.0, {"timestamp": 5_000})
    publishing.write(model, publishing.weights(model), {})
    await view.follow()
    after = view.score("nobody", named("i1", "i2"))
    assert before is not None
    assert after is not None
    assert after[0] != before[0]
    assert after[1] == before[1]
    await waiting.aclose()
    client.close()


async def test_an_item_with_anothers_number_has_its_own_factors(embedded_store: LocalStore) -> None:
    client: Any = connect(embedded_store.url)
    waiting = connect_waiting(embedded_store.url)
    view = TrainedView(waiting, KEYS, NAMES)
    model, publishing = Default(), TrainerPublishing(client, KEYS)
    learned(model, 0, 40)
    publishing.write(model, publishing.weights(model), {})
    await view.follow()
    numbering = Numbering()
    number = np.array([numbering.number("i1")])
    before = view.score("nobody", Names(numbering, number))
    numbering.retire(number)
    numbering.retire(number[:0])
    assert numbering.number("i2") == number[0]
    found = view.score("nobody", Names(numbering, number))
    expected = view.score("nobody", named("i2"))
    assert before is not None
    assert expected is not None
    assert found is not None
    assert found.tolist() == expected.tolist() != before.tolist()
    await waiting.aclose()
    client.close()


async def test_factors_of_items_that_left_make_room_for_others(embedded_store: LocalStore) -> None:
    client: Any = connect(embedded_store.url)
    waiting = connect_waiting(embedded_store.url)
    view = TrainedView(waiting, KEYS, NAMES)
    model, publishing = Default(caps=Caps(items=300)), TrainerPublishing(client, KEYS)
    for number in range(3_000):
        model.learn_one(f"u{number % 5}", f"i{number}", 1.0, {"timestamp": 1_000 + number})
        if number % 100 == 99:
            publishing.write(model, publishing.weights(model), {})
            await view.follow()
    items = [f"i{number}" for number in range(3_000)]
    expected, found = (
        model.mf.score_items("nobody", items) - model.mf.user_level("nobody"),
        view.score("nobody", named(*items)),
    )
    assert found is not None
    assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-12)
    assert len(view._factors) <= 1_000
    await waiting.aclose()
    client.close()


async def test_names_of_items_that_left_do_not_stay_for_ever(embedded_store: LocalStore) -> None:
    client: Any = connect(embedded_store.url)
    waiting = connect_waiting(embedded_store.url)
    view = TrainedView(waiting, KEYS, NAMES)
    model, publishing = Default(caps=Caps(items=100)), TrainerPublishing(client, KEYS)
    for number in range(3_000):
        model.learn_one("u", f"i{number}", 1.0, {"timestamp": 1_000 + number})
        if number % 100 == 99:
            publishing.write(model, publishing.weights(model), {})
    assert client.zcard(KEYS.trainer("mf_changed")) <= 2 * 100 + SPARE + 100
    await view.follow()
    last = str(model.known()[-1])
    found, expected = view.score("nobody", named(last)), model.mf.score_items("nobody", [last])
    assert found is not None
    assert found[0] == pytest.approx(float(expected[0]) - model.mf.user_level("nobody"), abs=1e-12)
    await waiting.aclose()
    client.close()
