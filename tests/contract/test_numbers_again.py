"""A reader over Redis under which items come and go: its numbers are given again, and it answers like a new one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from online_models.caps import Caps
from recommender import leaving
from recommender.partitioning import partition_of
from recommender.query import Query
from recommender.read_model import ReadModel
from serving.live_recommender import LiveRecommender
from serving.views.redis_model import RedisReadModel
from streams.local_store import LocalStore
from tests.unit.serving_views.planted import Near

from .test_read_models import KEYS, PARTITIONS, RedisRig, click, film

ITEMS = 40


@pytest.fixture
async def rig(embedded_store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisRig]:
    monkeypatch.setattr(leaving, "LEAST", 1)
    rig = RedisRig(embedded_store.url)
    for state in rig.states:
        state.caps = Caps(users=50, items=8)
    rig.model = rig.redis = await reader(rig)
    yield rig
    await rig.reader.aclose()
    rig.client.close()


async def reader(rig: RedisRig) -> RedisReadModel:
    """A reader that begins now, for which time stands still: a row stays at hand though it changed."""
    model = RedisReadModel(rig.reader, KEYS, PARTITIONS, PARTITIONS, timer=lambda: 0.0)
    await model.follow()
    return model


async def lists(model: ReadModel) -> list[Any]:
    service = LiveRecommender(model, clock=lambda: 10_000_000)
    queries = [Query(user_id=f"u{n}", n=30, explain=True, request_id="r") for n in range(7)]
    answers = [await service.recommend(query) for query in [*queries, Query(history=["i1", "i39"], request_id="r")]]
    return [
        (
            sorted((item.item_id, Near(item.score), item.title, item.sources) for item in answer.items),
            sorted((one.item_id, one.rule) for one in answer.left_out or ()),
        )
        for answer in answers
    ]


async def neighbours(model: ReadModel, item_ids: list[str]) -> dict[str, Any]:
    """Of each item whom it was seen with, and how much, by id."""
    rows = await model.rows(model.numbering.found(item_ids))
    ids = model.numbering.ids
    return {
        item: sorted((ids[j], pairs, order) for j, pairs, order in row.tolist())
        for item, row in zip(item_ids, rows, strict=True)
    }


@pytest.mark.parametrize("announced", [True, False])
async def test_as_a_reader_that_begins_now(rig: RedisRig, announced: bool) -> None:
    rng = np.random.default_rng(4)
    for step in range(120):
        number = int(rng.integers(ITEMS)) + step // 40 * ITEMS  # the items of the time before come no more
        await rig.learn(*(click(f"u{rng.integers(6)}", f"i{number + n % 2}", 1_000 * step + n) for n in range(4)))
        if announced:
            await rig.announce(film(f"i{number}", categories=[f"c{number % 3}"]))
            for item in list(rig.model.catalogue.items.values())[:-10]:
                await rig.withdraw(item.item_id)
        if step % 5 == 0:
            await lists(rig.model)  # rows are at hand from now on
    rig.redis._leaving.collect()
    rig.redis._rows.clear()
    late = await reader(rig)
    numbering = rig.model.numbering
    assert numbering.turns > 5
    assert sorted(numbering.ids[n] for n in np.flatnonzero(numbering.used)) == sorted(late.numbering.ids)
    assert len(numbering) < 2 * len(late.numbering)
    assert await lists(rig.model) == await lists(late)
    names = list(late.numbering.ids)
    assert await neighbours(rig.model, names) == await neighbours(late, names)


async def test_rows_that_go_while_some_are_fetched_are_fetched_again(rig: RedisRig) -> None:
    await rig.learn(*(click(f"u{user}", item, at) for user in range(6) for at, item in enumerate("abc", start=1)))
    numbers = rig.model.numbering.found("abc")
    whole = [len(row) for row in await rig.model.rows(numbers)]
    assert all(whole)
    rig.redis._rows.clear()
    await rig.model.rows(numbers[:1])  # one is at hand, the others are not
    asking = rig.model.rows(numbers)
    waiting = asking.send(None)
    rig.redis._rows.clear()

    class Going:
        def __await__(self) -> Any:
            yield waiting
            while True:
                try:
                    more = asking.send(None)
                except StopIteration as done:
                    return done.value
                yield more

    assert [len(row) for row in await Going()] == whole


async def test_a_row_that_came_late_for_an_item_that_left_is_not_its_successors(rig: RedisRig) -> None:
    await rig.announce(film("old"))
    numbering, partition = rig.model.numbering, partition_of("u1", PARTITIONS)
    old = numbering.found(["old"])[0]
    with numbering.question():
        await rig.withdraw("old")
        await rig.announce(film("more"))
        assert numbering.find("old") is None
        rig.redis._rows.put(old, partition, np.array([[old, 1, 1]], np.int32))
    for n in range(9):
        await rig.learn(click("u1", f"n{n}", n + 1))
    assert numbering.ids[old].startswith("n")
    assert len((await rig.model.rows([old]))[0]) > 1


async def test_a_row_at_hand_names_nobody_for_a_neighbour_that_left(rig: RedisRig) -> None:
    same = [f"u{n}" for n in range(40) if partition_of(f"u{n}", PARTITIONS) == partition_of("u1", PARTITIONS)]
    await rig.learn(click("u1", "old", 1), *(click(user, "kept", 2) for user in same))
    numbering = rig.model.numbering
    kept, old = numbering.found(["kept", "old"])
    assert (await rig.model.rows([kept]))[0][:, 0].tolist() == [old]
    for n in range(30):  # by users of one item: they are nobody's neighbours
        await rig.learn(click(same[0], f"n{n}", n + 3))
    assert numbering.ids[old].startswith("n")
    late = await reader(rig)
    assert "old" not in late.numbering.ids
    assert await neighbours(rig.model, ["kept"]) == await neighbours(late, ["kept"])
