"""kill -9 of the click worker, ten times at random, on the real broker and store and on the embedded ones."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaProducer

from recommender.event_types import EventTypes
from recommender.head import UserHead, decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.admin import create_topics
from streams.digest import digest
from streams.local_broker import EmbeddedBroker
from streams.local_store import LocalStore
from streams.redis_store import RedisItemStore, RedisUserStore, connect
from streams.replay import DirectReplay
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.worker import WorkerProcess

EVENTS = 20_000
KILLS = 10
CLUSTER = "exactly-once"


@dataclass
class Site:
    """A broker and a store."""

    bootstrap: str
    redis: str
    topics: Topics


@pytest.fixture(params=["real", "embedded"])
def site(request: pytest.FixtureRequest, prefix: str) -> Iterator[Site]:
    topics = Topics(prefix)
    if request.param == "real":
        kafka: KafkaBroker = request.getfixturevalue("kafka")
        server: RedisServer = request.getfixturevalue("redis_server")
        asyncio.run(create_topics(kafka.bootstrap, topics))
        yield Site(kafka.bootstrap, server.url, topics)
    else:
        broker: EmbeddedBroker = request.getfixturevalue("embedded_broker")
        store: LocalStore = request.getfixturevalue("embedded_store")
        broker.create_topics({topic.name: topic.partitions for topic in topics.all()})
        yield Site(broker.bootstrap, store.url, topics)


def numbered_events(rng: random.Random) -> list[tuple[str, bytes]]:
    """Clicks of 500 users on 300 items, Zipf-like; one in 200 is bad, one in 100 repeats an id."""
    weights = [1.0 / (rank + 1) ** 1.1 for rank in range(300)]
    items = rng.choices(range(300), weights, k=EVENTS)
    events = []
    for n in range(EVENTS):
        user = f"u{rng.randrange(500)}"
        body = {
            "event_id": f"{user}-{n if n % 100 else max(0, n - 1000)}",
            "user_id": user,
            "item_id": f"i{items[n]}",
            "type": "click",
            "timestamp": 1_700_000_000_000 + n,
        }
        events.append((user, b"{bad" if n % 200 == 7 else json.dumps(body).encode()))
    return events


@pytest.mark.timeout(400)
async def test_killed_ten_times_nothing_is_lost_and_nothing_is_twice(site: Site) -> None:
    rng = random.Random(20_000)
    events = numbered_events(rng)
    reference = DirectReplay(site.topics)
    for user, value in events:
        reference.feed("interaction", user, value)

    client = connect(site.redis)
    keys = Keys(CLUSTER, site.topics.prefix)

    def heads() -> list[UserHead]:
        return [decode_user_head(client.get(keys.users(p).head)) for p in range(4)]  # type: ignore[arg-type]

    def done() -> int:
        return sum(head.applied + head.duplicates + head.dead_letters for head in heads())

    async def wait_until(count: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while done() < count:
            assert time.monotonic() < deadline, f"{done()} of {count} after {seconds} s\n{worker.log_tail()}"
            await asyncio.sleep(0.02)

    worker = WorkerProcess(
        site.bootstrap, site.redis, CLUSTER, site.topics.prefix, COLDSPRING_SESSION="2", COLDSPRING_EXAMPLES="0"
    )
    producer = AIOKafkaProducer(bootstrap_servers=site.bootstrap, acks="all")
    await producer.start()
    try:
        worker.start()
        share = EVENTS // (KILLS + 1)
        for kill in range(KILLS + 1):
            begin, end = kill * share, EVENTS if kill == KILLS else (kill + 1) * share
            before = done()
            for user, value in events[begin:end]:
                partition = partition_of(user, 4)
                await producer.send(site.topics.interactions, value, user.encode(), partition=partition)
            await producer.flush()
            await wait_until(before + 1, 60)
            if kill < KILLS:
                await asyncio.sleep(rng.random() * 0.15)
                worker.kill()
                worker.start()
        await wait_until(EVENTS, 60)
        position = [head.next["interactions"] for head in heads()]
        assert reference.counts() == {
            "applied": sum(head.applied for head in heads()),
            "duplicates": sum(head.duplicates for head in heads()),
            "dead_letters": sum(head.dead_letters for head in heads()),
        }
        assert position == reference.position()["interactions"]
        users = [RedisUserStore(client, keys.users(p)) for p in range(4)]
        items = [RedisItemStore(client, keys.items(p)) for p in range(4)]
        assert digest(users, items, EventTypes().names) == reference.digest()
        assert worker.terminate() == 0
    finally:
        worker.close()
        await producer.stop()
        client.close()
