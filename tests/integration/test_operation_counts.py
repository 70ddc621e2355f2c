"""What an event and a list cost in operations, which no busy machine changes: a guard of what benchmarks/ measures.

The bounds leave a quarter of room over what was counted when they were set: 47 calls an event, 13 commands a batch,
172 bytes an event, 8 commands a list.
"""

import sys
from collections.abc import Callable
from itertools import islice
from types import FrameType
from typing import Any

import msgspec
import pytest

from coldspring.dataset import interactions
from online_models.partition_state import PartitionState
from recommender.event_types import EventTypes
from recommender.keys import Keys
from recommender.query import Query
from serving.live_recommender import LiveRecommender
from serving.views.redis_model import RedisReadModel
from serving.views.redis_model import connect as connect_reader
from streams import intake
from streams.batch import Batch
from streams.redis_store import RedisUserStore, connect
from streams.user_shard import UserShard
from tests.rig.redis_server import RedisServer

TYPES = EventTypes()
KEYS = Keys("counted")
SOURCE = intake.Source("interactions", 0, 1)
EVENTS = 2_000
ENVELOPE = 100


@pytest.fixture(scope="module")
def envelopes() -> list[intake.LogRecord]:
    values = [msgspec.json.encode(event) for event in islice(interactions(), EVENTS)]
    cuts = range(0, EVENTS, ENVELOPE)
    return [intake.LogRecord(n, None, b"[" + b",".join(values[at : at + ENVELOPE]) + b"]") for n, at in enumerate(cuts)]


def calls(work: Callable[[], Any]) -> int:
    """How many functions Python calls meanwhile, those in C included."""
    count = 0

    def seen(_frame: FrameType, kind: str, _what: Any) -> None:
        nonlocal count
        count += kind in ("call", "c_call")

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def fold(envelopes: list[intake.LogRecord], batch: int = 10) -> None:
    state = PartitionState(TYPES)
    for at in range(0, len(envelopes), batch):
        state.fold(intake.interactions(SOURCE, envelopes[at : at + batch], TYPES).events)
        state.take_changes()


def test_an_event_takes_few_calls(envelopes: list[intake.LogRecord]) -> None:
    fold(envelopes[:10])  # compiled kernels load
    assert calls(lambda: fold(envelopes)) / EVENTS < 56


def test_a_batch_is_written_with_as_many_commands_however_many_events_it_has(
    redis_server: RedisServer, envelopes: list[intake.LogRecord]
) -> None:
    client: Any = connect(redis_server.url)
    shard = UserShard(0, 1, RedisUserStore(client, KEYS.users(0)), TYPES, "me", b"k" * 32)
    shard.reopen()

    def learned(begin: int, end: int) -> tuple[int, float]:
        """Commands of a batch of these envelopes, and bytes of what it wrote an event."""
        before = int(client.info("stats")["total_commands_processed"])
        step = shard.fold("interactions", Batch("interactions", 0, begin, end, envelopes[begin:end]))
        shard.commit(step)
        changes = step.write.changes
        rows = (*changes.users.values(), *changes.stats.values(), *changes.rows.values(), *changes.event_ids)
        written = sum(len(row) for row in rows if row) + len(step.write.head)
        # The count is itself a command.
        return int(client.info("stats")["total_commands_processed"]) - before - 1, written / ENVELOPE / (end - begin)

    learned(0, 5)
    few, _ = learned(5, 6)
    many, written = learned(6, 16)
    client.close()
    assert few <= 16
    assert many == few
    assert written < 215


async def test_a_list_of_somebody_known_asks_the_store_little(
    redis_server: RedisServer, envelopes: list[intake.LogRecord]
) -> None:
    client: Any = connect(redis_server.url)
    shard = UserShard(0, 1, RedisUserStore(client, KEYS.users(0)), TYPES, "me", b"k" * 32)
    shard.reopen()
    shard.commit(shard.fold("interactions", Batch("interactions", 0, 0, len(envelopes), envelopes)))
    reader = connect_reader(redis_server.url)
    model = RedisReadModel(reader, KEYS, 1, 1)
    await model.follow()
    service = LiveRecommender(model)
    users = [event["user_id"] for event in islice(interactions(), EVENTS - 20, EVENTS)]
    for user in users:  # what their lists rest on is in hand afterwards
        await service.recommend(Query(user_id=user, n=10))
    before = int(client.info("stats")["total_commands_processed"])
    for user in users:
        await service.recommend(Query(user_id=user, n=10))
    asked = int(client.info("stats")["total_commands_processed"]) - before - 1
    await reader.aclose()
    client.close()
    assert asked / len(users) <= 10
