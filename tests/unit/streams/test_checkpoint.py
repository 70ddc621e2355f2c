"""Checkpoints: the fold goes on from them to the same bits, and none that is not good is ever used."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from recommender.event_types import EventTypes
from recommender.topics import Topics
from streams.batch import Batch
from streams.checkpoint import Checkpoints, drop_checkpoints, worth_keeping
from streams.intake import LogRecord
from streams.memory_log import MemoryLog
from streams.memory_store import MemoryUserStore
from streams.past import Past, PastPartition
from streams.store import UserStore
from streams.user_shard import UserShard

TOPICS = Topics(partitions=1)
LENGTH = 400


def make_shard(partition: int, store: UserStore) -> UserShard:
    return UserShard(partition, 1, store, EventTypes(), "past", b"a key of sixteen bytes", dedupe=50)


def some_log(length: int = LENGTH, forgets: int = 0, seed: int = 1) -> MemoryLog:
    rng = random.Random(seed)
    log = MemoryLog()
    kinds = ["click", "view", "hide", "dislike", "like"]
    values = [
        json.dumps({"user_id": f"u{rng.randrange(9)}", "item_id": f"i{rng.randrange(25)}", "type": rng.choice(kinds),
                    "timestamp": 1_000 + n * 60_000, "event_id": f"e{rng.randrange(300)}"}).encode()
        for n in range(length)
    ]  # fmt: skip
    for n in range(0, length, 20):
        log.add(Batch("interactions", 0, n, n + 20, [LogRecord(n + i, None, values[n + i]) for i in range(20)]))
    for n in range(forgets):
        forget = json.dumps({"user_id": f"u{n}", "timestamp": 1_000 + 100 * 60_000}).encode()
        log.add(Batch("forgets", 0, n, n + 1, [LogRecord(n, None, forget)]))
    return log


def past(log: MemoryLog, folder: Path | None, settings: str = "s", name: str = "log") -> Past:
    return Past(log, TOPICS, make_shard, Checkpoints(folder, name, settings) if folder else None)


def content(made: PastPartition) -> dict[str, Any]:
    """All that the store holds, but for names that differ from run to run."""
    held = {name: value for name, value in vars(made.store).items() if name != "head"}
    return {**held, "head": made.shard.head}


@pytest.mark.parametrize("forgets", [0, 2])
@pytest.mark.parametrize("at", [1, 137, 399])
def test_a_fold_that_goes_on_from_a_checkpoint_ends_with_the_same_bits(tmp_path: Path, at: int, forgets: int) -> None:
    log = some_log(forgets=forgets)
    here = past(log, tmp_path)
    here.save(0, here.partition(0, at))
    for position in (at, 399, LENGTH):
        resumed = past(log, tmp_path).partition(0, position)
        assert resumed.begun == at
        assert resumed.folded == position - at
        assert content(resumed) == content(past(log, None).partition(0, position))


def test_every_part_of_a_store_is_in_a_checkpoint() -> None:
    # Whoever gives the store a new part has to think of checkpoints too.
    known = {"owner", "head", "names", "users", "profile_rows", "stats", "rows", "queue", "chunks", "buried", "_aside"}
    assert set(vars(MemoryUserStore())) == known


def test_a_checkpoint_that_is_torn_flipped_or_of_something_else_is_not_used(tmp_path: Path) -> None:
    log = some_log()
    here = past(log, tmp_path)
    here.save(0, here.partition(0, 200))
    [file] = tmp_path.iterdir()
    whole = file.read_bytes()
    expected = content(past(log, None).partition(0, LENGTH))
    half = len(whole) // 2
    broken = [whole[:half], b"", whole[:half] + bytes([whole[half] ^ 4]) + whole[half + 1 :], b"CSCHECK9" + whole[8:]]
    for data in broken:
        file.write_bytes(data)
        made = past(log, tmp_path).partition(0, LENGTH)
        assert made.begun == 0
        assert content(made) == expected
    file.write_bytes(whole)
    assert past(log, tmp_path).partition(0, LENGTH).begun == 200
    assert past(log, tmp_path, settings="others").partition(0, LENGTH).begun == 0
    assert past(log, tmp_path, name="another").partition(0, LENGTH).begun == 0
    assert past(some_log(seed=2), tmp_path).partition(0, LENGTH).begun == 0  # a topic made anew, of the same name


def test_a_checkpoint_from_before_a_forget_is_removed_and_not_used(tmp_path: Path) -> None:
    here = past(some_log(), tmp_path)
    here.save(0, here.partition(0, 300))
    log = some_log(forgets=1)
    made = past(log, tmp_path).partition(0, LENGTH)
    assert made.begun == 0
    assert made.shard.state.user("u0") is not None  # of later events
    assert list(tmp_path.iterdir()) == []
    here = past(log, tmp_path)
    here.save(0, here.partition(0, 300))
    assert past(log, tmp_path).partition(0, LENGTH).begun == 300
    drop_checkpoints(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def test_few_are_kept_and_the_nearest_is_taken(tmp_path: Path) -> None:
    log = some_log()
    here = past(log, tmp_path)
    for position in range(20, LENGTH + 1, 20):
        here.save(0, here.partition(0, position))
    held = Checkpoints(tmp_path, "log", "s").positions(0)
    assert len(held) <= 4
    assert held[-1] == LENGTH
    assert here.partition(0, held[1]).begun == held[1]
    assert here.partition(0, held[1] - 1).begun == held[0]
    assert here.partition(0, LENGTH, base_before=held[0] - 1).begun == 0
    assert worth_keeping([]) == []
