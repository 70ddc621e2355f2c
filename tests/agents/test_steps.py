"""The agents' path without Kafka: batches in, aborts at every point, resumption, exactly once."""

import asyncio
import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from faust.types import TP

from recommender.event_types import EventTypes
from recommender.partitioning import partition_of
from recommender.reasons import DeadLetter
from streams.batch import Batch
from streams.digest import digest
from streams.intake import LogRecord
from streams.memory_store import MemoryUserStore
from streams.steps import Steps
from streams.store import StoreAwayError, UserWrite
from streams.user_shard import Step, UserShard

TYPES = EventTypes()
USERS = [user for user in (f"u{n}" for n in range(60)) if partition_of(user, 4) == 0]
LOG = [
    LogRecord(
        offset,
        None,
        json.dumps(
            {
                "event_id": f"e{offset % 190}",
                "user_id": USERS[offset * 7 % len(USERS)],
                "item_id": f"i{offset * 13 % 17}",
                "type": "click",
                "timestamp": 1_000 + offset,
            }
        ).encode()
        if offset % 20
        else b"{bad",
    )
    for offset in range(200)
]


class Crash(BaseException):
    """kill -9, as far as Python code can tell."""


class FlakyStore(MemoryUserStore):
    """A store that is away, or dies with its client, when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fail: dict[str, list[BaseException | None]] = {}

    def write(self, token: str, expected_head: bytes | None, write: UserWrite) -> bool:
        self._maybe("before")
        done = super().write(token, expected_head, write)
        self._maybe("after")
        return done

    def _maybe(self, point: str) -> None:
        planned = self.fail.get(point)
        error = planned.pop(0) if planned else None
        if error is not None:
            raise error


class Rig:
    """One process's steps over a store that outlives it."""

    def __init__(self, store: FlakyStore, token: str = "a") -> None:
        self.store = store
        self.shard = UserShard(0, 4, store, TYPES, token, b"k" * 16)
        self.dead: list[DeadLetter] = []
        self.rewinds: list[TP] = []
        self.steps = Steps(
            lambda kind, partition: self.shard,
            {"interactions": "interactions"},
            self,
            self._nothing,
            self._nothing,
            self._rewind,
            lambda tp: True,
            most=64,
        )

    async def dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        self.dead.extend(letters)

    async def _nothing(self, *_: Any) -> None:
        pass

    async def _rewind(self, tp: TP) -> None:
        self.rewinds.append(tp)

    async def take(self, begin: int, end: int) -> None:
        await self.steps.take(Batch("interactions", 0, begin, end, LOG[begin:end]))

    async def position(self) -> int:
        return (await self.steps.positions([TP("interactions", 0)]))[TP("interactions", 0)]


def state(store: MemoryUserStore) -> tuple[str, int, int, int]:
    shard = UserShard(0, 4, store, TYPES, store.owner, b"k" * 16)
    shard.reopen()
    head = shard.head
    return digest([store], [], TYPES.names), head.applied, head.duplicates, head.dead_letters


async def undisturbed() -> tuple[str, int, int, int]:
    rig = Rig(FlakyStore())
    await rig.take(0, 200)
    return state(rig.store)


@pytest.mark.parametrize("cut", [1, 7, 64, 199])
async def test_cuts_change_nothing(cut: int) -> None:
    rig = Rig(FlakyStore())
    for begin in range(0, 200, cut):
        await rig.take(begin, min(200, begin + cut))
    assert state(rig.store) == await undisturbed()
    assert len(rig.dead) == 10


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("write", [0, 1, 3])
async def test_a_crash_at_a_write_is_resumed_exactly(point: str, write: int) -> None:
    store = FlakyStore()
    store.fail[point] = [None] * write + [Crash()]
    rig = Rig(store)
    with pytest.raises(Crash):
        await rig.take(0, 200)
    resumed = Rig(store, token="b")
    position = await resumed.position()
    assert position == 64 * write + (64 if point == "after" and write < 3 else 8 if point == "after" else 0)
    await resumed.take(position, 200)
    assert state(store) == await undisturbed()
    letters = {(d.topic, d.partition, d.offset, d.index) for d in rig.dead + resumed.dead}
    assert len(letters) == 10


@pytest.mark.parametrize("point", ["before", "after"])
async def test_a_store_that_is_away_is_waited_for(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.steps.FIRST_PAUSE_S", 0.001)
    store = FlakyStore()
    store.fail[point] = [StoreAwayError("gone"), None, StoreAwayError("gone"), StoreAwayError("gone")]
    rig = Rig(store)
    await rig.take(0, 200)
    assert state(store) == await undisturbed()


async def test_what_goes_wrong_in_the_thread_is_heard_of_whatever_it_is() -> None:
    nobody: Any = None
    steps = Steps(nobody, {}, nobody, nobody, nobody, nobody, nobody)
    try:
        async with asyncio.timeout(30):
            with pytest.raises(RuntimeError, match="ended too early"):
                await steps.run(next, iter(()))
    finally:
        steps.close()


async def test_repeated_and_overlapping_deliveries_are_left_out() -> None:
    rig = Rig(FlakyStore())
    for begin, end in ((0, 50), (0, 50), (20, 80), (10, 20), (80, 200), (0, 200)):
        await rig.take(begin, end)
    assert state(rig.store) == await undisturbed()


async def test_a_gap_sends_the_consumer_back_once() -> None:
    rig = Rig(FlakyStore())
    await rig.take(0, 50)
    await rig.take(60, 80)
    await rig.take(80, 100)
    await asyncio.sleep(0)
    assert rig.rewinds == [TP("interactions", 0)]
    await rig.take(50, 200)
    assert state(rig.store) == await undisturbed()


async def test_a_stale_owner_writes_nothing() -> None:
    store = FlakyStore()
    old, new = Rig(store, "old"), Rig(store, "new")
    await old.take(0, 50)
    await new.take(await new.position(), 120)
    await old.take(50, 70)  # its state in hand is of before: refused
    assert (await new.position()) == 120
    await new.take(120, 200)
    assert state(store) == await undisturbed()


async def test_offsets_may_have_gaps() -> None:
    rig = Rig(FlakyStore())
    sparse = [record for record in LOG if record.offset % 3]
    await rig.steps.take(Batch("interactions", 0, 0, 100, [r for r in sparse if r.offset < 100]))
    await rig.steps.take(Batch("interactions", 0, 100, 207, [r for r in sparse if r.offset >= 100]))
    assert await rig.position() == 207


async def test_while_one_partition_is_written_another_one_is_folded() -> None:
    folded = threading.Event()

    class Slow(FlakyStore):
        """A store whose write takes until another partition was folded."""

        def write(self, token: str, expected_head: bytes | None, write: UserWrite) -> bool:
            assert folded.wait(10.0), "the fold of another partition waited for this write"
            return super().write(token, expected_head, write)

    class Other(UserShard):
        """Another partition, which tells that it was folded."""

        def fold(self, kind: str, batch: Batch) -> Step:
            step = super().fold(kind, batch)
            folded.set()
            return step

    rig = Rig(Slow())
    shards = [rig.shard, Other(1, 4, MemoryUserStore(), TYPES, "b", b"k" * 16)]
    steps = Steps(
        lambda _, partition: shards[partition], {"interactions": "interactions"}, rig, rig._nothing, rig._nothing,
        rig._rewind, lambda _: True,
    )  # fmt: skip
    begun = asyncio.create_task(steps.take(Batch("interactions", 0, 0, 50, LOG[:50])))
    await asyncio.sleep(0.05)
    await steps.take(Batch("interactions", 1, 0, 50, LOG[:50]))
    await begun
    steps.close()
    assert [shard.next_offset("interactions") for shard in shards] == [50, 50]
