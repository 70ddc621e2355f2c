"""What the sentinel notices, how soon it acts, and when it keeps still. The store is a real one."""

import asyncio
from collections.abc import Sequence

import pytest
from faust.types import TP

from recommender.keys import Keys
from streams.item_shard import ItemShard
from streams.local_store import LocalStore
from streams.redis_store import RedisItemStore, connect
from streams.sentinel import Held, Sentinel

TPS = [TP("items", 0)]


class Rig:
    """A shard of items over a store, and a sentinel that looks at it."""

    def __init__(self, url: str) -> None:
        self.client = connect(url)
        self.keys = Keys("c").items(0)
        self.shard = ItemShard(0, 4, RedisItemStore(self.client, self.keys), "me", lambda: 0)
        self.shard.reopen()
        self.lock = asyncio.Lock()
        self.healed: list[Sequence[TP]] = []
        self.told: list[str] = []
        self.sentinel = Sentinel(
            self.client,
            lambda: [self.held],
            lambda _: None if self.lock.locked() else self.lock,
            self._heal,
            self.told.append,
        )

    @property
    def held(self) -> Held:
        return Held(self.shard, self.keys.head, self.keys.owner, TPS)

    async def look(self, times: int = 1) -> None:
        for _ in range(times):
            await self.sentinel.look(self.held)

    async def _heal(self, tps: Sequence[TP]) -> None:
        self.healed.append(tps)
        self.shard.reopen()


@pytest.fixture
async def rig(embedded_store: LocalStore) -> Rig:
    return Rig(embedded_store.url)


async def test_all_is_well(rig: Rig) -> None:
    await rig.look(5)
    assert rig.healed == []


async def test_an_emptied_store_is_healed_at_the_first_look_and_told_once(rig: Rig) -> None:
    rig.client.flushall()
    await rig.look(3)
    assert rig.healed == [TPS]
    assert rig.told == ["store_went_back"]
    assert rig.client.get(rig.keys.owner) == b"me"


async def test_another_head_is_healed(rig: Rig) -> None:
    rig.client.set(rig.keys.head, b'{"next":{"items":3}}')
    await rig.look(2)
    assert rig.healed == [TPS]
    assert rig.shard.next_offset("items") == 3


async def test_another_owner_is_given_a_second_look(rig: Rig) -> None:
    rig.client.set(rig.keys.owner, "somebody")
    await rig.look()
    assert rig.healed == [], "perhaps we are the one who lost the partition, and are about to hear of it"
    await rig.look()
    assert rig.healed == [TPS]
    assert rig.told == ["owner_changed"]


async def test_a_shard_at_work_finds_out_by_itself(rig: Rig) -> None:
    rig.client.flushall()
    async with rig.lock:
        await rig.look(3)
    assert rig.healed == []


async def test_a_state_given_up_is_taken_in_hand_again(rig: Rig) -> None:
    rig.shard.is_open = False
    await rig.look(2)
    assert rig.healed == [TPS]
    assert rig.told == ["state_not_in_hand"]
