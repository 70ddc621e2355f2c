"""What users were shown lies in Redis while they are held, and goes with them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from recommender.event_types import EventTypes
from recommender.fatigue import ShownLists, marks_of
from recommender.keys import Keys
from recommender.query import Query
from serving.live_recommender import LiveRecommender
from serving.views.redis_model import RedisReadModel
from serving.views.redis_model import connect as connect_waiting
from streams.batch import Batch
from streams.intake import LogRecord
from streams.local_store import LocalStore
from streams.redis_store import RedisUserStore, connect
from streams.shown import ShownWriter, impressions_of
from streams.user_shard import UserShard

KEYS = Keys("c")


class Site:
    """One partition, written as the worker writes it, and the recommender over it."""

    def __init__(self, url: str) -> None:
        self.client: Any = connect(url)
        self.shard = UserShard(0, 1, RedisUserStore(self.client, KEYS.users(0)), EventTypes(), "me", b"k" * 32)
        self.shard.reopen()
        self.writer = ShownWriter(self.client, KEYS, users=50)
        self.waiting = connect_waiting(url)
        self.model = RedisReadModel(self.waiting, KEYS, 1, 1)
        self.service = LiveRecommender(self.model)

    async def take(self, kind: str, *events: dict[str, Any]) -> None:
        begin = self.shard.next_offset(kind)
        records = [LogRecord(begin + at, None, json.dumps(event).encode()) for at, event in enumerate(events)]
        step = self.shard.fold(kind, Batch(kind, 0, begin, begin + len(records), records))
        assert not step.dead
        self.shard.commit(step)
        if found := impressions_of(step.learned):
            self.writer.note(0, found)
        await self.model.follow()

    async def does(self, user: str, item: str, at: int, kind: str = "click", **more: Any) -> None:
        event = {"user_id": user, "item_id": item, "type": kind, "timestamp": at, **more}
        await self.take("interactions", event)

    async def ids(self, user: str, **more: Any) -> list[str]:
        # One request id: the seats given by chance are the same in every list.
        answer = await self.service.recommend(Query(user_id=user, request_id="r", **more))
        return [item.item_id for item in answer.items]


@pytest.fixture
async def site(embedded_store: LocalStore) -> AsyncIterator[Site]:
    made = Site(embedded_store.url)
    for n in range(60):
        await made.does(f"u{n % 5}", f"i{n % 30}", 1_000 + n)
    yield made
    await made.waiting.aclose()
    made.client.close()


async def test_lists_that_were_shown_do_not_come_again(site: Site) -> None:
    first = await site.ids("me", n=8)
    assert first == await site.ids("me", n=8)
    seen = {"user_id": "me", "type": "impression", "items": first, "timestamp": 2_000, "request_id": "r1"}
    await site.take("interactions", seen)
    second = await site.ids("me", n=8)
    assert not set(first) & set(second)
    # Item by item, as clients may tell it.
    for item in second:
        await site.does("me", item, 2_100, "impression", request_id="r2")
    third = await site.ids("me", n=8)
    assert not set(second) & set(third)
    [state] = await site.model.users(["me"])
    assert state is not None
    assert [set(one.marks) for one in state.shown.lists] == [
        set(marks_of(second).tolist()),
        set(marks_of(first).tolist()),
    ]
    held = await site.service.export("me")
    assert [set(one["items"]) for one in held["shown"]] == [set(second), set(first)]
    assert await site.ids("me", n=8, fatigue=0.0) == first


async def test_it_goes_when_the_user_is_forgotten(site: Site) -> None:
    for user in ("u1", "stranger"):
        await site.does(user, "i1", 2_000, "impression")
    assert set(site.client.hgetall(KEYS.users(0).shown)) == {b"u1", b"stranger"}
    for user in ("u1", "stranger"):
        await site.take("forgets", {"user_id": user, "timestamp": 5_000})
    assert site.client.hgetall(KEYS.users(0).shown) == {}
    assert await site.model.users(["u1", "stranger"]) == [None, None]
    await site.does("stranger", "i2", 4_000, "impression")  # late, and of somebody forgotten
    assert site.client.hgetall(KEYS.users(0).shown) == {}


async def test_it_is_bounded_and_unreadable_rows_are_nothing(site: Site) -> None:
    for n in range(60):
        await site.does(f"passer-by-{n}", "i1", 2_000 + n, "impression")
    assert site.client.hlen(KEYS.users(0).shown) <= 51
    site.client.hset(KEYS.users(0).shown, "u2", b"\xff" * 20)
    [state] = await site.model.users(["u2"])
    assert state is not None
    assert state.shown == ShownLists()
    assert len(await site.ids("u2", n=5)) == 5


async def test_asking_writes_nothing(site: Site) -> None:
    before = {key: site.client.dump(key) for key in site.client.keys("*")}
    for user in ("u1", "nobody"):
        for _ in range(3):
            await site.ids(user, shown=["i1"], context={"country": "DE"}, calibration=1.0)
    assert {key: site.client.dump(key) for key in site.client.keys("*")} == before
