"""A log read by three worker processes, on real Kafka and Redis, has the digest of its direct replay."""

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from recommender.event_types import EventTypes
from recommender.head import UserHead, decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.admin import create_topics
from streams.digest import digest
from streams.redis_store import RedisItemStore, RedisUserStore, connect
from streams.replay import TOPIC_OF_KIND, DirectReplay
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.worker import WorkerProcess

CLUSTER = "processes"
EVENTS = 6_000
WORKERS = 3
KINDS = ["interaction"] * 20 + ["item"] * 3 + ["profile"]


def some_log(seed: int) -> list[tuple[str, str, bytes | None]]:
    rng = random.Random(seed)
    lines: list[tuple[str, str, bytes | None]] = []
    for n in range(EVENTS):
        kind, user, item = rng.choice(KINDS), f"u{rng.randrange(300)}", f"i{int(rng.paretovariate(0.6)) % 200}"
        at = 1_700_000_000_000 + 1_000 * n
        body: dict[str, Any] = {"timestamp": at, "user_id": user, "item_id": item, "title": f"title {n}"}
        if kind == "interaction":
            body |= {
                "event_id": f"{user} {n - n % 3}",
                "type": rng.choice(["click", "view", "like", "dislike", "hide"]),
            }
        value = json.dumps(body).encode() if n % 50 else b"{bad" if kind == "interaction" else None
        lines.append((kind, item if kind == "item" else user, value))
    return lines


@pytest.mark.timeout(400)
async def test_three_worker_processes_give_the_digest_of_the_replay(
    kafka: KafkaBroker, redis_server: RedisServer, prefix: str
) -> None:
    topics, keys, lines = Topics(prefix), Keys(CLUSTER, prefix), some_log(3)
    await create_topics(kafka.bootstrap, topics)
    replay = DirectReplay(topics)
    for kind, identity, value in lines:
        replay.feed(kind, identity, value)
    client = connect(redis_server.url)
    settings = {"COLDSPRING_SESSION": "6", "COLDSPRING_EXAMPLES": "0"}
    workers = [WorkerProcess(kafka.bootstrap, redis_server.url, CLUSTER, prefix, **settings) for _ in range(WORKERS)]
    users = [RedisUserStore(client, keys.users(p)) for p in range(topics.partitions)]
    items = [RedisItemStore(client, keys.items(p)) for p in range(topics.item_partitions)]

    def heads() -> list[UserHead]:
        return [decode_user_head(store.load(0).head) for store in users]

    def owners() -> int:
        return len({client.get(keys.users(p).owner) for p in range(topics.partitions)} - {None})

    def learned() -> tuple[int, ...]:
        read = heads()
        return tuple(sum(getattr(h, name) for h in read) for name in ("applied", "duplicates", "dead_letters"))

    def found() -> tuple[Any, ...]:
        return digest(users, items, EventTypes().names), *learned()

    async def until(true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 120
        while not true():
            assert time.monotonic() < deadline, f"{what}: {heads()}\n{[worker.log_tail() for worker in workers]}"
            await asyncio.sleep(0.1)

    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()

    async def send(part: list[tuple[str, str, bytes | None]]) -> None:
        for kind, identity, value in part:
            topic = TOPIC_OF_KIND[kind]
            partition = partition_of(identity, topics.count(topic))
            await producer.send(topics.name(topic), value, identity.encode(), partition=partition)
        await producer.flush()

    try:
        await send(lines[: EVENTS // 2])
        for worker in workers:
            worker.start()
        await until(lambda: owners() == WORKERS, "all workers have partitions")
        await send(lines[EVENTS // 2 :])
        counts = replay.counts()
        expected = (replay.digest(), counts["applied"], counts["duplicates"], counts["dead_letters"])
        # Names and rows of a partition are read one after the other: not while it is still written.
        await until(lambda: learned() == expected[1:], f"the counts of the replay {expected}")
        await until(lambda: found() == expected, f"the digest of the replay {expected}")
    finally:
        for worker in workers:
            worker.close()
        await producer.stop()
        client.close()
