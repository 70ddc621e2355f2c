"""Serving makes its lists with the newest version that the trainer published, and says which one that was."""

import asyncio
import random
from typing import Any

import msgspec

from online_models.features import NAMES
from recommender.decision import decision_of
from recommender.keys import Keys
from recommender.query import Query
from recommender.topics import Topics
from serving.views.redis_model import connect as connect_waiting
from serving.views.trained import TrainedView
from streams.batch import Batch
from streams.intake import LogRecord
from streams.local_store import LocalStore
from streams.outbox import Example
from streams.redis_store import connect
from streams.stored_vectors import StoredVectors
from streams.trainer import Trainer
from tests.unit.serving_views.planted import World

KEYS = Keys("c")
TIMEOUT_S = 60.0


def lessons(count: int, begin: int) -> list[Example]:
    chance = random.Random(begin)
    return [
        Example(f"u{user}", f"{('sea', 'sky')[user % 2]}{chance.randrange(20)}", 1.0, "click", 5_000 + n, f"e{n}")
        for n in range(begin, begin + count)
        for user in (chance.randrange(40),)
    ]


async def test_a_list_says_the_version_that_it_was_made_with(embedded_store: LocalStore) -> None:
    client: Any = connect(embedded_store.url)
    published: dict[int, bytes] = {}

    async def publish(key: bytes, value: bytes) -> None:
        if key == b"default":
            published[msgspec.json.decode(value)["version"]] = value

    trainer = Trainer(client, KEYS, StoredVectors(client, KEYS, Topics()), publish, publish_s=0.05, caps=None)
    reader = connect_waiting(embedded_store.url)
    view = TrainedView(reader, KEYS, NAMES)
    world = World()
    world.service.scoring.blend = view.blend
    before = await world.service.recommend(Query(user_id="u1"))
    assert decision_of(before, 1).versions.weights == 0
    versions = []
    await trainer.start()
    try:
        for turn in range(2):
            batch = [LogRecord(turn, None, msgspec.json.encode(lessons(900, 900 * turn)))]
            await trainer.take(Batch("examples", 0, turn, turn + 1, batch))
            version = trainer.default.blend.version
            async with asyncio.timeout(TIMEOUT_S):
                while view.blend.version != version:
                    await view.follow()
                    await asyncio.sleep(0.05)
            served = await world.service.recommend(Query(user_id="u1"))
            assert decision_of(served, 1).versions.weights == version
            assert view.quality["version"] == version
            told = msgspec.json.decode(published[version])
            assert told["names"] == list(trainer.default.blend.names)
            for history in (0, 3, 50):
                weights = view.blend.weights(history)
                assert {name: weights[name] for name in told["names"]} == trainer.default.blend.weights(history)
            versions.append(version)
    finally:
        await trainer.stop()
        client.close()
        await reader.aclose()
    assert 500 <= versions[0] < versions[1]
    after = await world.service.recommend(Query(user_id="u1"))
    assert [item.score for item in after.items] != [item.score for item in before.items]
