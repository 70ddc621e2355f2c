"""One suite for every read model: Redis' views and a replay's memory answer alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import msgspec
import numpy as np
import pytest

from embedding_worker.exact_index import ExactIndex
from online_models.caps import Caps
from online_models.partition_state import PartitionState
from online_models.row_source import Changes
from recommender.events import Interaction, Item, Profile, encode
from recommender.head import ItemHead, UserHead
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.query import Query, Unavailable
from recommender.read_model import ReadModel
from recommender.tasks import end
from serving.live_recommender import LiveRecommender
from serving.views.memory import MemoryReadModel
from serving.views.redis_model import ASKED_S, RedisReadModel, connect
from serving.views.row_cache import RowCache
from streams.local_store import LocalStore
from streams.redis_store import RedisItemStore, RedisUserStore
from streams.redis_store import connect as connect_writer
from streams.store import ItemWrite, UserWrite

PARTITIONS = 3
KEYS = Keys("cluster", "t.")


class Rig(Protocol):
    """Something that takes events in, and the read model behind it."""

    model: ReadModel
    states: list[PartitionState]

    async def learn(self, *events: Interaction) -> None: ...

    async def announce(self, *items: Item) -> None: ...

    async def withdraw(self, item_id: str) -> None: ...

    async def profile(self, profile: Profile) -> None: ...

    async def forget(self, user_id: str, until: int) -> None: ...


class MemoryRig:
    def __init__(self) -> None:
        self.states = [PartitionState() for _ in range(PARTITIONS)]
        self.offsets = [0] * PARTITIONS
        self.profiles: dict[str, Profile] = {}
        self.memory = MemoryReadModel(self.states, self.profiles.get, lambda: list(self.offsets))
        self.model: ReadModel = self.memory

    async def learn(self, *events: Interaction) -> None:
        for event in events:
            partition = partition_of(event.user_id, PARTITIONS)
            self.states[partition].fold([event])
            self.offsets[partition] += 1
        await self.model.catch_up()

    async def announce(self, *items: Item) -> None:
        for item in items:
            self.memory.announce(item)

    async def withdraw(self, item_id: str) -> None:
        self.memory.withdraw(item_id)

    async def profile(self, profile: Profile) -> None:
        self.profiles[profile.user_id] = profile

    async def forget(self, user_id: str, until: int) -> None:
        self.profiles.pop(user_id, None)
        self.states[partition_of(user_id, PARTITIONS)].erase(user_id, until)


class RedisRig:
    def __init__(self, url: str) -> None:
        self.client = connect_writer(url)
        self.states = [PartitionState() for _ in range(PARTITIONS)]
        self.stores = [RedisUserStore(self.client, KEYS.users(p)) for p in range(PARTITIONS)]
        self.items = [RedisItemStore(self.client, KEYS.items(p)) for p in range(PARTITIONS)]
        self.heads: list[bytes | None] = [None] * PARTITIONS
        self.item_heads: list[bytes | None] = [None] * PARTITIONS
        self.offsets = [0] * PARTITIONS
        self.epoch = "first"
        for partition in range(PARTITIONS):
            self.stores[partition].claim("me")
            self.items[partition].claim("me")
        self.reader = connect(url)
        self.redis = RedisReadModel(self.reader, KEYS, PARTITIONS, PARTITIONS, rows=RowCache(max_age_s=0.0))
        self.model: ReadModel = self.redis

    def write(self, partition: int, **more: Any) -> None:
        state = self.states[partition]
        head = UserHead(
            next={"interactions": self.offsets[partition]},
            applied=self.offsets[partition],
            names=len(state.dictionary),
            clock=state.clock.times,
            types=list(state.types.names),
            epoch=self.epoch,
        )
        data = msgspec.json.encode(head)
        changes: Changes = state.take_changes()
        changes.event_ids = []
        assert self.stores[partition].write("me", self.heads[partition], UserWrite(data, changes, **more))
        self.heads[partition] = data

    async def learn(self, *events: Interaction) -> None:
        touched = set()
        for event in events:
            partition = partition_of(event.user_id, PARTITIONS)
            self.states[partition].fold([event])
            self.offsets[partition] += 1
            touched.add(partition)
        for partition in touched:
            self.write(partition)
        await self.redis.follow()

    async def items_changed(self, changed: dict[str, bytes | None]) -> None:
        for item_id, data in changed.items():
            partition = partition_of(item_id, PARTITIONS)
            old = self.item_heads[partition]
            count = msgspec.json.decode(old)["applied"] if old else 0
            head = msgspec.json.encode(ItemHead(next={"items": count + 1}, applied=count + 1))
            assert self.items[partition].write("me", old, ItemWrite(head, {item_id: data}, 77))
            self.item_heads[partition] = head
        await self.redis.follow()

    async def announce(self, *items: Item) -> None:
        await self.items_changed({item.item_id: encode(item) for item in items})

    async def withdraw(self, item_id: str) -> None:
        await self.items_changed({item_id: None})

    async def profile(self, profile: Profile) -> None:
        partition = partition_of(profile.user_id, PARTITIONS)
        self.write(partition, profiles={profile.user_id: encode(profile)})
        await self.redis.follow()

    async def forget(self, user_id: str, until: int) -> None:
        partition = partition_of(user_id, PARTITIONS)
        self.states[partition].erase(user_id, until)
        self.write(partition, profiles={user_id: None}, forgotten=[user_id])
        await self.redis.follow()


@pytest.fixture(params=["memory", "redis"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    if request.param == "memory":
        yield MemoryRig()
        return
    store: LocalStore = request.getfixturevalue("embedded_store")
    rig = RedisRig(store.url)
    await rig.redis.follow()
    yield rig
    await rig.reader.aclose()
    rig.client.close()


def click(user: str, item: str, at: int = 1000, kind: str = "click") -> Interaction:
    return Interaction(user_id=user, item_id=item, type=kind, timestamp=at)


def film(item_id: str, **more: Any) -> Item:
    return Item(item_id=item_id, timestamp=1000, title=f"Film {item_id}", **more)


async def test_counts_are_summed_over_the_partitions(rig: Rig) -> None:
    users = [f"u{n}" for n in range(12)]
    await rig.learn(*(click(user, "a", 1000 + n) for n, user in enumerate(users)), click("u0", "b", 5000, "like"))
    model = rig.model
    a, b = (model.numbering.find(name) for name in "ab")
    assert a is not None
    assert b is not None
    assert model.counts.count[[a, b]].tolist() == [12.0, 2.0]
    assert model.counts.events[[a, b]].tolist() == [12.0, 1.0]
    assert model.counts.birth[a] == 1000
    assert dict(zip(model.types.names, model.counts.by_type(a).tolist(), strict=True))["click"] == 12
    assert model.counts.trends(np.array([a])).tolist()[0] == pytest.approx([12.0] * 4, rel=1e-3)


async def test_a_user_is_read_as_they_are_now(rig: Rig) -> None:
    await rig.learn(click("u1", "a"), click("u1", "b", 2000, "dislike"), click("u1", "c", 3000, "hide"))
    await rig.profile(Profile(user_id="u1", timestamp=1, text="likes the sea"))
    state, nobody = await rig.model.users(["u1", "u2"])
    assert nobody is None
    assert state is not None
    ids = rig.model.numbering.ids
    assert [ids[number] for number in state.history.items.tolist()] == ["a", "b", "c"]
    assert state.history.weights.round(3).tolist() == [1.0, -1.0, 0.0]
    assert {ids[number]: rule for number, rule in state.refused.items()} == {"b": "disliked", "c": "hidden"}
    assert state.profile is not None
    assert state.profile.text == "likes the sea"


async def test_rows_come_from_all_partitions(rig: Rig) -> None:
    users = [f"u{n}" for n in range(10)]
    await rig.learn(*(click(user, item, at) for user in users for at, item in enumerate("ab", start=1)))
    a, b = (rig.model.numbering.found([name])[0] for name in "ab")
    row_a, row_b = await rig.model.rows([a, b])
    assert (row_a[:, 0] == b).all()
    assert row_a[:, 1].sum() == row_b[:, 1].sum() == 10 * 2520
    assert row_a[:, 2].sum() == 10 * 2520
    await rig.learn(click("new", "a"), click("new", "b"))
    assert (await rig.model.rows([a]))[0][:, 1].sum() == 11 * 2520


async def test_position_counts_what_was_learned(rig: Rig) -> None:
    assert rig.model.position() == [0] * PARTITIONS
    await rig.learn(*(click(f"u{n}", "a") for n in range(7)))
    assert sum(rig.model.position()) == 7
    assert rig.model.ready() == (True, "")


async def test_items_come_change_and_go(rig: Rig) -> None:
    await rig.announce(film("a", categories=["x"]), film("b"))
    await rig.announce(film("a", categories=["y"]))
    assert len(rig.model.catalogue) == 2
    item = rig.model.catalogue.get("a")
    assert item is not None
    assert item.categories == ["y"]
    await rig.withdraw("a")
    assert rig.model.catalogue.get("a") is None
    assert rig.model.catalogue.closed


async def test_a_forgotten_user_is_nobody(rig: Rig) -> None:
    await rig.learn(click("u1", "a"), click("u2", "a"))
    await rig.forget("u1", 5000)
    assert (await rig.model.users(["u1"]))[0] is None
    assert await rig.model.export("u1") is None


async def test_an_item_that_gave_its_place_up_is_in_nothing_that_is_read(rig: Rig) -> None:
    for state in rig.states:
        state.caps = Caps(users=2, items=4)
    user = "u1"
    same = [f"v{n}" for n in range(60) if partition_of(f"v{n}", PARTITIONS) == partition_of(user, PARTITIONS)][:9]
    await rig.learn(*(click(user, item) for item in ("first", "kept", "kept", "other")))
    await rig.learn(*(click(name, "kept") for name in same[:2]), click(user, "kept"))
    first, kept = rig.model.numbering.found(["first", "kept"])
    assert rig.model.counts.events[[first, kept]].tolist() == [1.0, 5.0]
    await rig.learn(*(click(user, f"once{n}") for n in range(6)))
    assert rig.model.counts.events[first] == 0.0
    found = (await rig.model.users([user]))[0]
    assert found is not None
    assert found.total == 11
    names = {rig.model.numbering.ids[number] for number in found.history.items.tolist()}
    assert "kept" in names
    assert len(names) <= 4
    assert "first" not in names
    row = (await rig.model.rows([kept]))[0]
    assert first not in row[:, 0].tolist()
    # It comes back, as new.
    await rig.learn(click(user, "first"))
    assert rig.model.counts.events[first] == 1.0
    # So many users that somebody leaves.
    await rig.learn(*(click(name, "kept") for name in same[2:]))
    left = await rig.model.users([user, *same])
    assert sum(one is not None for one in left) == 2


async def test_what_counted_is_read_beside_what_happened(rig: Rig) -> None:
    await rig.learn(*(click("u1", "a") for _ in range(30)), click("u2", "a"))
    a = rig.model.numbering.found(["a"])[0]
    events, counted = rig.model.counts.heard(a)
    assert events == 31
    assert counted == pytest.approx(1 + sum(1 / n for n in range(1, 9)), abs=1e-3)


async def test_export_has_everything(rig: Rig) -> None:
    await rig.learn(click("u1", "a", 1000), click("u1", "b", 2000, "dislike"))
    held = await rig.model.export("u1")
    assert held is not None
    history = [(event["item_id"], event["type"], event["weight"]) for event in held["history"]]
    assert history == [("b", "dislike", -1.0), ("a", "click", 1.0)]
    assert held["refused"] == [{"item_id": "b", "rule": "disliked"}]


async def test_recent_users(rig: Rig) -> None:
    await rig.learn(*(click(f"u{n}", "a", 1000 + n) for n in range(5)))
    assert sorted(await rig.model.recent_users(10)) == [f"u{n}" for n in range(5)]
    assert len(await rig.model.recent_users(2)) == 2


async def test_both_give_the_same_lists(embedded_store: LocalStore) -> None:
    rng = np.random.default_rng(3)
    rigs: list[Rig] = [MemoryRig(), RedisRig(embedded_store.url)]
    events = [click(f"u{rng.integers(30)}", f"i{int(rng.zipf(1.4)) % 60}", 1_000 + 60_000 * n) for n in range(600)]
    items = [film(f"i{n}", categories=[f"c{n % 4}"]) for n in range(0, 60, 2)]
    index = ExactIndex(8)
    index.put_many([(item.item_id, rng.normal(size=8)) for item in items])

    class Fixed:
        space = "s"
        complete = True

    Fixed.index = index  # type: ignore[attr-defined]
    lists = []
    for rig in rigs:
        for begin in range(0, 600, 150):
            await rig.learn(*events[begin : begin + 150])
        await rig.announce(*items)
        service = LiveRecommender(rig.model, Fixed())  # type: ignore[arg-type]
        queries = [Query(user_id=f"u{n}", explain=True, request_id="r") for n in range(32)]
        answers = [await service.recommend(query) for query in queries]
        lists.append([(answer.items, answer.left_out, answer.position) for answer in answers])
        if isinstance(rig, RedisRig):
            await rig.reader.aclose()
            rig.client.close()
    for memory, redis in zip(*lists, strict=True):
        assert [item.item_id for item in memory[0]] == [item.item_id for item in redis[0]]
        assert [item.score for item in memory[0]] == pytest.approx([item.score for item in redis[0]])
        assert memory[1:] == redis[1:]


async def test_a_store_that_went_back_gives_no_answers_until_it_has_caught_up(embedded_store: LocalStore) -> None:
    rig = RedisRig(embedded_store.url)
    await rig.learn(*(click("u1", f"i{n}", n + 1) for n in range(5)))
    early = {key: rig.client.dump(key) for key in rig.client.keys("*")}
    early_head, partition = rig.heads, partition_of("u1", PARTITIONS)
    await rig.learn(*(click("u1", f"j{n}", n + 10) for n in range(5)))
    late = rig.model.position()
    rig.client.flushall()
    for key, value in early.items():
        assert value is not None
        rig.client.restore(key, 0, value)
    # Before the view has noticed, a question sees it by the head that comes with the user.
    with pytest.raises(Unavailable):
        await rig.model.users(["u1"])
    await rig.redis.follow()
    with pytest.raises(Unavailable):
        rig.model.position()
    assert not rig.model.ready()[0]
    assert early_head[partition] is not None
    head = msgspec.json.decode(early_head[partition] or b"")
    rig.heads[partition] = rig.client.get(KEYS.users(partition).head)  # type: ignore[assignment]
    assert head["next"]["interactions"] >= 5
    # The worker replays what was lost.
    rig.states[partition] = PartitionState()
    rig.states[partition].fold([click("u1", f"i{n}", n + 1) for n in range(5)])
    rig.states[partition].take_changes()
    rig.offsets[partition] = 5
    await rig.learn(*(click("u1", f"j{n}", n + 10) for n in range(5)))
    assert rig.model.position() == late
    assert (await rig.model.users(["u1"]))[0] is not None
    await rig.reader.aclose()
    rig.client.close()


async def test_a_reader_that_starts_late_or_misses_much_loads_everything(embedded_store: LocalStore) -> None:
    rig = RedisRig(embedded_store.url)
    for n in range(30):
        await rig.learn(click(f"u{n % 4}", f"i{n}", n + 1))
    for p in range(PARTITIONS):
        rig.client.xtrim(KEYS.users(p).changes, maxlen=1)
    late = RedisReadModel(rig.reader, KEYS, PARTITIONS, PARTITIONS)
    with pytest.raises(Unavailable):
        late.position()
    await late.follow()
    assert late.position() == rig.model.position()
    assert sorted(late.numbering.ids) == sorted(rig.model.numbering.ids)
    for n in range(30, 60):
        rig.states[0].fold([click("v", f"i{n}", n)])
        rig.offsets[0] += 1
        rig.write(0)
    rig.client.xtrim(KEYS.users(0).changes, maxlen=2)
    await late.follow()
    assert len(late.numbering) == 60
    assert late.counts.events[: len(late.numbering)].sum() == 60
    await rig.reader.aclose()
    rig.client.close()


async def test_an_item_met_a_moment_ago_is_in_the_users_history(embedded_store: LocalStore) -> None:
    rig = RedisRig(embedded_store.url)
    await rig.learn(click("u1", "a"))
    partition = partition_of("u1", PARTITIONS)
    rig.states[partition].fold([click("u1", "brand new", 2000)])
    rig.offsets[partition] += 1
    rig.write(partition)  # and nobody followed
    state = (await rig.model.users(["u1"]))[0]
    assert state is not None
    assert rig.model.numbering.ids[int(state.history.items[-1])] == "brand new"
    assert sum(rig.model.position()) == 1
    await rig.redis.follow()
    assert sum(rig.model.position()) == 2
    await rig.reader.aclose()
    rig.client.close()


async def test_away_is_unavailable(embedded_store: LocalStore) -> None:
    rig = RedisRig(embedded_store.url)
    await rig.learn(click("u1", "a"))
    embedded_store.close()
    with pytest.raises(Unavailable):
        await rig.model.users(["u1"])
    with pytest.raises(Unavailable):
        await rig.model.rows([0])
    await rig.reader.aclose()
    rig.client.close()


async def test_run_follows_by_itself_and_waits_for_a_store_that_is_away(embedded_store: LocalStore) -> None:
    rig = RedisRig(embedded_store.url)
    running = asyncio.create_task(rig.redis.run())
    partition = partition_of("u1", PARTITIONS)

    async def until(true: Callable[[], bool]) -> float:
        began = time.monotonic()
        async with asyncio.timeout(15):
            while not true():
                await asyncio.sleep(0.005)
                await rig.model.catch_up()  # as every question does
        return time.monotonic() - began

    def learn(item: str, at: int) -> None:
        rig.states[partition].fold([click("u1", item, at)])
        rig.offsets[partition] += 1
        rig.write(partition)

    try:
        await until(lambda: rig.model.ready()[0])
        learn("a", 1)
        assert await until(lambda: sum(rig.model.position()) == 1) < 0.5
        await asyncio.sleep(ASKED_S)
        learn("late", 2)
        await asyncio.sleep(0.1)
        assert sum(rig.model.position()) == 1  # it rests
        await rig.model.catch_up()  # nobody has asked for a while: who does sees all of it at once
        assert sum(rig.model.position()) == 2
        embedded_store.restart()
        learn("b", 3)
        await until(lambda: sum(rig.model.position()) == 3)
        assert rig.model.ready() == (True, "")
        assert rig.model.figures()["applied"] == 3
    finally:
        await end(running)
        await rig.reader.aclose()
        rig.client.close()
