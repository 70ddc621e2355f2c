"""Items come and go under a reader that gives their numbers again: it answers like one that never met the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding_worker.index import ItemIndex
from online_models.caps import Caps
from online_models.click_weights import ClickWeights
from online_models.partition_state import PartitionState
from recommender.events import Interaction, Item
from recommender.leaving import LEAST
from recommender.partitioning import partition_of
from recommender.query import Filters, Query, Recommendation, UnknownId
from recommender.read_model import ReadModel
from serving.live_recommender import LiveRecommender
from serving.views.memory import MemoryReadModel

from .planted import Near, Vectors, vector_of
from .test_clicked import told

PARTITIONS, CAP = 2, 4
KINDS = ("a", "b", "c")
USERS = [f"u{n}" for n in range(4)]
DONE = ["click"] * 6 + ["announce"] * 3 + ["remove", "vector", "vector", "no vector", "anew", "collect"]
STEPS = st.lists(st.tuples(st.sampled_from(DONE), st.integers(0, 29), st.integers(0, 3)), min_size=20, max_size=120)


class World:
    """Partitions that keep few items, a catalogue and vectors, behind a reader that lives long."""

    def __init__(self) -> None:
        self.caps = Caps(users=50, items=CAP)
        self.states = [PartitionState(caps=self.caps) for _ in range(PARTITIONS)]
        self.items: dict[str, Item] = {}
        self.closed = False
        self.index = ItemIndex(8, exact_below=4, buffer=2)
        self.model = MemoryReadModel(self.states)
        self.service = self.recommender(self.model)
        self.time = 1_000

    def recommender(self, model: ReadModel) -> LiveRecommender:
        clicks = ClickWeights(told(5_000.0, i1=3.0, i7=-2.0))
        return LiveRecommender(model, Vectors(self.index), clock=lambda: self.time, click_weights=clicks)

    def fresh(self) -> MemoryReadModel:
        """A reader that begins now."""
        # The changes are the old reader's to take; what is there now is noted at the start.
        model = MemoryReadModel(self.states, follow=False)
        for item in self.items.values():
            model.announce(item)
        model.catalogue.closed = self.closed
        return model

    def do(self, step: str, n: int, user: int) -> None:
        self.time += 1_000
        item_id = f"i{n}"
        if step == "click":
            event = Interaction(user_id=USERS[user], item_id=item_id, type="click", timestamp=self.time)
            self.states[partition_of(event.user_id, PARTITIONS)].fold([event])
        elif step == "announce":
            categories = [KINDS[n % 3], KINDS[user % 3]]
            end = self.time + 20_000 if user == 3 else None
            item = Item(item_id=item_id, timestamp=self.time, title=f"T{n}", categories=categories, expires_at=end)
            self.items[item_id] = item
            self.model.announce(item)
            self.closed = True
        elif step == "remove":
            self.items.pop(item_id, None)
            self.model.withdraw(item_id)
            self.closed = True
        elif step == "vector":
            self.index.put(item_id, vector_of("sea" if n % 2 else "sky", 30 * user + n))
        elif step == "no vector":
            self.index.remove(item_id)
        elif step == "anew":  # other local numbers
            partition = user % PARTITIONS
            self.states[partition] = PartitionState(caps=self.caps)
            self.model.replace(partition, self.states[partition])
        else:
            self.collect()

    def collect(self) -> None:
        self.model.refresh()
        self.model._leaving.collect()


def listed(items: Sequence[Recommendation]) -> list[Any]:
    """By id: of two with one score either may be the first, since vectors in another order differ in the last digit."""
    told = [(item.item_id, Near(item.score), item.title, item.sources, item.events, item.counted) for item in items]
    return sorted(told, key=lambda each: str(each[0]))


async def everything(service: LiveRecommender) -> dict[str, Any]:
    """What a reader says to all sorts of questions."""
    out: dict[str, Any] = {}
    queries = [
        *(Query(user_id=user, n=20, explain=True, request_id="r") for user in (*USERS, "nobody")),
        Query(user_id="u0", n=20, filters=Filters(category="a"), repeat=True, calibration=1.0, request_id="r"),
        Query(history=["i1", "i2", "i3"], exclude=["i4"], n=20, request_id="r"),
    ]
    for place, query in enumerate(queries):
        served = await service.recommend(query)
        left_out = sorted((one.item_id, one.rule) for one in served.left_out or ())
        out[f"list {place}"] = listed(served.items), left_out
    out["trending"] = listed(await service.trending(20))
    out["figures"] = service.model.catalogue.figures()
    out["newest"] = [one["item_id"] for one in (await service.status())["newest"]]
    for n in range(30):
        item_id = f"i{n}"
        try:
            page, similar = await service.item(item_id), await service.similar(item_id, 20)
        except UnknownId:
            out[item_id] = "unknown"
        else:
            page.pop("staleness_ms")
            out[item_id] = page, listed(similar)
    return out


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_as_a_reader_that_begins_now(steps: list[tuple[str, int, int]]) -> None:
    world = World()
    for step in steps:
        world.do(*step)
        if step[0] == "collect":  # what is kept by number is filled, and filled again
            asyncio.run(everything(world.service))
    world.collect()
    found = asyncio.run(everything(world.service))
    assert found == asyncio.run(everything(world.recommender(world.fresh())))
    assert world.model.numbering.known <= len(world.items) + PARTITIONS * (CAP + 1)


@pytest.mark.parametrize("closed", [True, False])
def test_who_has_a_number_again_has_nothing_of_the_item_before(closed: bool) -> None:
    world = World()
    for n in (1, 2, 3):  # i1 is what the click model thinks most of
        world.do("vector", n, 0)
        world.do("click", n, 0)
        if closed:
            world.do("announce", n, 0)
    asyncio.run(everything(world.service))
    old = world.model.numbering.found(["i1"])[0]
    world.do("anew", 0, 0)
    world.do("anew", 0, 1)
    for n in (2, 3):
        world.do("click", n, 0)
    if closed:
        world.do("remove", 1, 0)
    for _ in range(2):
        world.collect()
        asyncio.run(everything(world.service))
    world.do("click", 20, 0)
    if closed:
        world.do("announce", 20, 0)
    world.do("click", 20, 1)
    world.model.refresh()
    assert world.model.numbering.found(["i20"]) == [old]
    found = asyncio.run(everything(world.service))
    assert found == asyncio.run(everything(world.recommender(world.fresh())))


def test_numbers_are_bounded_by_the_caps_whatever_comes_and_goes() -> None:
    cap = 400
    state = PartitionState(caps=Caps(users=50, items=cap))
    model = MemoryReadModel([state])
    for n in range(20 * cap):
        state.fold([Interaction(user_id=f"u{n % 50}", item_id=f"n{n}", type="click", timestamp=n + 1)])
        if n % 10 == 0:
            model.refresh()
    assert model.numbering.given > 19 * cap
    assert len(model.numbering) < cap + 3 * LEAST
    assert len(model.counts.count) <= 2 * (cap + 3 * LEAST)


class Paused:
    """Users' factors that are waited for until told."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def prepare(self, user_id: str) -> None:
        del user_id
        self.asked.set()
        await self.go.wait()


@pytest.mark.parametrize("closed", [True, False])
async def test_a_question_under_way_takes_nobody_for_an_item_that_left(closed: bool) -> None:
    world, paused = World(), Paused()
    service = LiveRecommender(world.model, clock=lambda: world.time, prepare=paused.prepare)
    old, new = [f"i{n}" for n in range(3)], [f"i{n}" for n in range(10, 14)]
    for n in range(3):
        if closed:
            world.do("announce", n, 0)
        world.do("click", n, 0)
    question = asyncio.create_task(service.recommend(Query(user_id="u0", n=50, explain=True)))
    await paused.asked.wait()  # the user was read: the numbers of what they chose are in the question's hands
    world.do("anew", 0, partition_of("u0", PARTITIONS))
    for n in range(3):
        world.do("remove" if closed else "collect", n, 0)
    for n in range(10, 14):
        world.do("collect", n, 0)
        world.do("announce" if closed else "click", n, 1)
    world.collect()
    paused.go.set()
    served = await question
    assert {item.item_id for item in served.items} == set(new)
    assert {one.item_id for one in served.left_out or ()} <= set(old)
    assert {name for item in served.items for reason in item.reasons or () for name in reason.because} <= set(old)
    world.collect()
    numbers = [world.model.numbering.number(f"x{n}") for n in range(3)]
    assert sorted(numbers) == [0, 1, 2]  # and now they are given again
