"""What the trainer publishes is a view: a store that lost it gets all of it again."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec

from recommender.keys import Keys
from recommender.topics import Topics
from streams.batch import Batch
from streams.intake import LogRecord
from streams.local_store import LocalStore
from streams.outbox import Example
from streams.redis_store import connect
from streams.stored_vectors import StoredVectors
from streams.trainer import Trainer

KEYS = Keys("c")


async def eventually(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_an_emptied_store_gets_every_row_again(embedded_store: LocalStore) -> None:
    client: Any = connect(embedded_store.url)
    published: list[bytes] = []

    async def publish(key: bytes, value: bytes) -> None:
        published.append(value)

    trainer = Trainer(client, KEYS, StoredVectors(client, KEYS, Topics()), publish, publish_s=0.05)
    await trainer.start()
    try:
        examples = [Example(f"u{n % 7}", f"i{n % 11}", 1.0, "click", 1_000 + n) for n in range(40)]  # learned in one go
        await trainer.take(Batch("examples", 0, 0, 1, [LogRecord(0, None, msgspec.json.encode(examples))]))
        rows = KEYS.trainer("mf_users"), KEYS.trainer("mf_items")
        await eventually(lambda: client.hlen(rows[0]) == 7 and client.hlen(rows[1]) == 11)
        before = client.hgetall(rows[0])
        client.flushall()
        await eventually(lambda: client.hgetall(rows[0]) == before and client.hlen(rows[1]) == 11)
        embedded_store.kill()
        await asyncio.sleep(0.3)
        embedded_store.restart()
        count = len(published)
        await eventually(lambda: len(published) > count)
    finally:
        await trainer.stop()
        client.close()
