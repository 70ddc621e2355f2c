"""A worker whose consumer falls silent ends by itself; one whose store is away does not."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from recommender.head import decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.local_broker import EmbeddedBroker
from streams.local_store import LocalStore
from streams.redis_store import connect
from streams.watchdog import NoProgressError
from streams.worker import Worker, WorkerSettings

TOPICS = Topics()
STALL_S = 3.0
LOST = """
import asyncio, runpy, sys
from aiokafka.consumer.group_coordinator import GroupCoordinator

async def never(coordinator):
    await asyncio.Event().wait()

GroupCoordinator.ensure_coordinator_known = never
sys.argv[1:] = ["run", "worker"]
runpy.run_module("coldspring", run_name="__main__")
"""
"""A worker whose group has no coordinator to be found, as when a fresh broker elects its leaders."""


@pytest.fixture
async def worker(embedded_broker: EmbeddedBroker, embedded_store: LocalStore) -> Worker:
    embedded_broker.create_topics({topic.name: topic.partitions for topic in TOPICS.all()})
    told = WorkerSettings(
        embedded_broker.bootstrap,
        embedded_store.url,
        "c",
        TOPICS,
        forget_key=b"k" * 32,
        examples=False,
        stall_s=STALL_S,
        session_timeout_s=2.0,
    )
    return Worker(told, lambda: time.time_ns() // 1_000_000)


async def send(bootstrap: str, first: int, count: int = 20) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for n in range(first, first + count):
            body = {"user_id": f"u{n}", "item_id": "i1", "type": "click", "timestamp": n + 1}
            value = json.dumps(body).encode()
            await producer.send_and_wait(TOPICS.interactions, value, partition=partition_of(f"u{n}", 4))
    finally:
        await producer.stop()


async def read(store: LocalStore, count: int, seconds: float = 60.0) -> None:
    client: Any = connect(store.url)
    keys = [Keys("c").users(partition).head for partition in range(4)]
    deadline = time.monotonic() + seconds
    while (applied := sum(decode_user_head(data).applied for data in client.mget(keys))) < count:
        assert time.monotonic() < deadline, applied
        await asyncio.sleep(0.05)
    client.close()


async def test_a_silent_consumer_ends_the_worker(
    worker: Worker, embedded_broker: EmbeddedBroker, embedded_store: LocalStore
) -> None:
    running = asyncio.create_task(worker.run(asyncio.Event()))
    await send(embedded_broker.bootstrap, 0)
    await read(embedded_store, 20)
    consumer: Any = worker.app.consumer
    consumer.stop_flow()  # as if it had fallen silent: it lives, it has its partitions, it brings nothing
    await send(embedded_broker.bootstrap, 20)
    with pytest.raises(NoProgressError, match="stood at"):
        await asyncio.wait_for(running, 60)


async def test_a_worker_that_the_group_has_lost_ends_when_nobody_gets_on(
    embedded_broker: EmbeddedBroker, embedded_store: LocalStore, tmp_path: Path
) -> None:
    embedded_broker.create_topics({topic.name: topic.partitions for topic in TOPICS.all()})
    told = {"BOOTSTRAP": embedded_broker.bootstrap, "REDIS": embedded_store.url, "CLUSTER": "c", "STALL": str(STALL_S)}
    environment = {**os.environ, "COLDSPRING_DATA": str(tmp_path), **{f"COLDSPRING_{k}": v for k, v in told.items()}}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOST, env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        await send(embedded_broker.bootstrap, 0)
        _, said = await asyncio.wait_for(process.communicate(), 90)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 1
    assert "stood at 0 of" in said.decode()


async def test_a_store_that_is_away_is_waited_for(
    worker: Worker, embedded_broker: EmbeddedBroker, embedded_store: LocalStore
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    await send(embedded_broker.bootstrap, 0)
    await read(embedded_store, 20)
    embedded_store.kill()
    await send(embedded_broker.bootstrap, 20)
    done, _ = await asyncio.wait({running}, timeout=2 * STALL_S)
    assert not done, "waiting for the store is no standing still"
    embedded_store.restart()
    await read(embedded_store, 40)
    stop.set()
    await asyncio.wait_for(running, 60)
