"""Items numbered anew in a real Redis, while events come, readers ask and processes die."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest
import redis.asyncio

from online_models.caps import Caps
from online_models.renumbering import most_numbers
from online_models.row_source import Changes
from recommender.event_types import EventTypes
from recommender.keys import Keys
from serving.views.redis_model import RedisReadModel, connect
from streams.batch import Batch
from streams.digest import partition_digest
from streams.intake import LogRecord
from streams.memory_store import MemoryUserStore
from streams.new_numbers import NewNumbers, renumber
from streams.redis_store import RedisUserStore
from streams.redis_store import connect as connect_writer
from streams.steps import Steps
from streams.store import StoreAwayError, UserStore, UserWrite
from streams.unlearner import Unlearner
from streams.user_shard import UserShard
from tests.rig.redis_server import RedisServer

CAPS = Caps(users=200, items=100)
KEYS = Keys("numbers")
KINDS = ["click", "click", "view", "purchase", "dislike", "hide"]


def shard_over(store: UserStore, token: str = "me") -> UserShard:
    shard = UserShard(0, 1, store, EventTypes(), token, b"k" * 16, 1_000, 50, CAPS)
    shard.reopen()
    return shard


def events(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Two in three are on items that nobody comes back to."""
    chance = random.Random(seed)
    return [
        {
            "event_id": f"e{n}",
            "user_id": f"u{chance.randrange(260)}",
            "item_id": f"i{chance.randrange(120)}" if chance.random() < 0.33 else f"once{n}",
            "type": chance.choice(KINDS),
            "timestamp": 1_700_000_000_000 + 60_000 * n,
        }
        for n in range(count)
    ]


def batch_of(begin: int, told: list[dict[str, Any]]) -> Batch:
    records = [LogRecord(begin + at, None, json.dumps(event).encode()) for at, event in enumerate(told)]
    return Batch("interactions", 0, begin, begin + len(told), records)


def undisturbed(told: list[dict[str, Any]]) -> UserShard:
    """The same events, and the numbers that came first."""
    shard = shard_over(MemoryUserStore())
    shard.commit(shard.fold("interactions", batch_of(0, told)))
    return shard


def digest_of(shard: UserShard) -> bytes:
    return partition_digest(shard._store)


class Site:
    """A worker's steps and its task over one partition, and a reader."""

    def __init__(self, server: RedisServer) -> None:
        self.client: Any = connect_writer(server.url)
        self.store = RedisUserStore(self.client, KEYS.users(0))
        self.shard = shard_over(self.store)
        self.steps = Steps(
            lambda kind, partition: self.shard, {"interactions": "interactions"}, self,
            self._nothing, self._nothing, self._nothing, lambda tp: True,
        )  # fmt: skip
        self.given = 0
        unused: Any = None
        self.task = Unlearner(lambda: [self.shard], unused, self._renumber, unused, self.steps.alone, unused, unused)
        self.reader: redis.asyncio.Redis = connect(server.url)
        self.model = RedisReadModel(self.reader, KEYS, 1, 0)

    def _renumber(self, shard: UserShard) -> NewNumbers:
        self.given += 1
        return NewNumbers(shard, self.store)

    async def dead_letters(self, letters: object) -> None:
        assert not letters

    async def _nothing(self, *_: Any) -> None:
        pass


@pytest.fixture
async def site(redis_server: RedisServer) -> AsyncIterator[Site]:
    site = Site(redis_server)
    yield site
    site.steps.close()
    await site.reader.aclose()
    site.client.close()


def is_part_of(some: list[str], whole: list[str]) -> bool:
    """The same order, and some may be missing."""
    rest = iter(whole)
    return all(item in rest for item in some)


async def test_numbers_stay_few_while_events_come_and_readers_see_no_change(site: Site) -> None:
    told, most = events(60 * CAPS.items), 0
    history: list[str] = []
    with mock.patch("streams.unlearner.LOOK_S", 0.01):
        running = asyncio.create_task(site.task.run())
        for begin in range(0, len(told), 50):
            told[begin + 49].update(user_id="reader", item_id=f"i{begin % 7}", type="click")
            history.append(f"i{begin % 7}")
            await site.steps.take(batch_of(begin, told[begin : begin + 50]))
            most = max(most, len(site.shard.state.dictionary))
            await site.model.follow()
            [state] = await site.model.users(["reader"])
            assert state is not None
            seen = [site.model.numbering.ids[number] for number in state.history.items.tolist()]
            assert seen[-1] == history[-1]
            assert is_part_of(seen, history)
            await asyncio.sleep(0)
        deadline = time.monotonic() + 20
        while site.shard.owes_numbers:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert site.given >= 2
    assert most <= 1.5 * most_numbers(CAPS), "what came while they were given"
    assert site.client.llen(KEYS.users(0).names) == len(site.shard.state.dictionary) <= most_numbers(CAPS)
    plain = undisturbed(told)
    assert partition_digest(site.store) == digest_of(plain)
    await site.model.follow()
    index = plain.state.dictionary.index
    assert {name for name in site.model.numbering.ids if name in index} == set(index)
    numbers = site.model.numbering.found(list(index))
    counted = plain.state.stats.table["by_type"][list(index.values())].sum(axis=1)
    assert site.model.counts.events[numbers].tolist() == counted.tolist()
    assert not list(site.client.scan_iter(match="*:aside:*")), "nothing is left beside the state"


class Killed(Exception):
    """As a kill -9 would leave it."""


def dying_after(writes: int) -> Callable[..., None]:
    write, count = NewNumbers._write, 0

    def dies(self: NewNumbers, changes: Changes) -> None:
        nonlocal count
        if count == writes:
            raise Killed
        count += 1
        write(self, changes)

    return dies


@pytest.mark.parametrize("writes", range(7))
def test_whoever_dies_on_the_way_leaves_the_old_state_and_the_next_one_begins_again(site: Site, writes: int) -> None:
    told = events(3_000)
    site.shard.commit(site.shard.fold("interactions", batch_of(0, told[:2_000])))
    before = partition_digest(site.store)
    with mock.patch.object(NewNumbers, "_write", dying_after(writes)), suppress(Killed):
        numbers = NewNumbers(site.shard, site.store)
        numbers.begin()
        numbers.copy()
        site.shard.commit(site.shard.fold("interactions", batch_of(2_000, told[2_000:2_500])))
        before = partition_digest(site.store)
        numbers.catch_up()
        numbers.finish()
        raise AssertionError
    assert partition_digest(site.store) == before
    assert writes == 0 or list(site.client.scan_iter(match="*:aside:*"))
    at = site.shard.next_offset("interactions")
    second = shard_over(site.store, "second")
    assert second.next_offset("interactions") == at
    renumber(second, site.store)
    assert len(second.state.dictionary) == second.state.dictionary.live + 1
    second.commit(second.fold("interactions", batch_of(at, told[at:])))
    assert partition_digest(site.store) == digest_of(undisturbed(told))
    assert not list(site.client.scan_iter(match="*:aside:*"))


def test_a_swap_whose_answer_is_lost_is_found_by_who_reads_again(site: Site) -> None:
    told = events(3_000)
    site.shard.commit(site.shard.fold("interactions", batch_of(0, told[:2_000])))
    swap = site.store.swap_rows

    def lost(*args: Any) -> bool:
        assert swap(*args)
        raise StoreAwayError("no answer")

    with mock.patch.object(site.store, "swap_rows", lost), pytest.raises(StoreAwayError):
        renumber(site.shard, site.store)
    site.shard.reopen()
    assert len(site.shard.state.dictionary) == site.shard.state.dictionary.live + 1
    site.shard.commit(site.shard.fold("interactions", batch_of(2_000, told[2_000:])))
    assert partition_digest(site.store) == digest_of(undisturbed(told))


def test_what_has_no_numbers_stays_and_redis_files_have_to_follow_once_more(site: Site) -> None:
    keys = KEYS.users(0)
    site.shard.commit(site.shard.fold("interactions", batch_of(0, events(2_000))))
    site.client.hset(keys.interests, "u1", b"vectors")
    site.client.hset(keys.shown, "u1", b"lists")
    site.client.hset(keys.unlearning, mapping={"rebuild": b"told", "files": 3})
    forget = LogRecord(0, None, json.dumps({"user_id": "u2", "timestamp": 10**13}).encode())
    numbers = NewNumbers(site.shard, site.store)
    numbers.begin()
    numbers.copy()
    site.shard.commit(site.shard.fold("forgets", Batch("forgets", 0, 0, 1, [forget])))
    numbers.finish()
    assert site.client.hgetall(keys.interests) == {b"u1": b"vectors"}
    assert site.client.hgetall(keys.shown) == {b"u1": b"lists"}
    assert site.client.hgetall(keys.unlearning) == {b"rebuild": b"told"}
    assert site.shard.owes_unlearning, "that is another matter"
    assert site.store.user_rows(["u2"]) == [None]


def test_a_store_that_is_full_serves_and_what_lay_aside_goes(site: Site) -> None:
    site.shard.commit(site.shard.fold("interactions", batch_of(0, events(2_000))))
    before = partition_digest(site.store)

    def full(self: UserStore, *_: Any) -> bool:
        raise StoreAwayError("full")

    async def tried() -> None:
        await site.task._give_numbers(site.shard)

    with mock.patch.object(RedisUserStore, "swap_rows", full):
        asyncio.run(tried())
    assert partition_digest(site.store) == before
    assert not list(site.client.scan_iter(match="*:aside:*"))
    assert site.shard.follower is None
    assert site.store.write("me", site.shard.guard[0], UserWrite(b"next"))
