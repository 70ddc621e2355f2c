"""Forgets while events keep coming and the worker is killed: the state is that of the log without the forgotten."""

import asyncio
import json
import random
import time
from collections.abc import Callable

import pytest
import redis.asyncio
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from recommender.event_types import EventTypes
from recommender.head import UserHead, decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from serving.views.forgetting import read_forgetting
from streams.admin import create_topics
from streams.digest import digest
from streams.redis_store import RedisItemStore, RedisUserStore, connect
from streams.replay import DirectReplay
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.worker import WorkerProcess

CLUSTER = "unlearning"
EVENTS = 12_000


class Site:
    """A worker process on real Kafka and Redis, and what is asked of them."""

    def __init__(self, kafka: KafkaBroker, server: RedisServer, prefix: str) -> None:
        self.topics = Topics(prefix)
        self.bootstrap = kafka.bootstrap
        self.keys = Keys(CLUSTER, prefix)
        self.client = connect(server.url)
        self.url = server.url
        self.worker = WorkerProcess(
            kafka.bootstrap, server.url, CLUSTER, prefix, COLDSPRING_SESSION="2", COLDSPRING_EXAMPLES="0"
        )

    def heads(self) -> list[UserHead]:
        return [decode_user_head(self.client.get(self.keys.users(p).head)) for p in range(4)]  # type: ignore[arg-type]

    def read(self) -> int:
        return sum(head.next.get("interactions", 0) for head in self.heads())

    def digest(self) -> str:
        users = [RedisUserStore(self.client, self.keys.users(p)) for p in range(4)]
        items = [RedisItemStore(self.client, self.keys.items(p)) for p in range(4)]
        return digest(users, items, EventTypes().names)

    def files_follow(self) -> bool:
        followed = [int(self.client.hget(self.keys.users(p).unlearning, "files") or 0) for p in range(4)]
        return followed == [head.next.get("forgets", 0) for head in self.heads()]

    async def until(self, true: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"{what}: {self.heads()}\n{self.worker.log_tail()}"
            await asyncio.sleep(0.05)


@pytest.fixture
async def site(kafka: KafkaBroker, redis_server: RedisServer, prefix: str) -> Site:
    await create_topics(kafka.bootstrap, Topics(prefix))
    return Site(kafka, redis_server, prefix)


def click(n: int, rng: random.Random) -> tuple[str, bytes]:
    user = f"u{rng.randrange(200)}"
    body = {"event_id": f"e{n}", "user_id": user, "item_id": f"i{int(rng.paretovariate(0.5)) % 300}", "type": "click"}
    return user, json.dumps({**body, "timestamp": 1_700_000_000_000 + n}).encode()


@pytest.mark.timeout(300)
async def test_forgets_among_events_and_kills(site: Site) -> None:
    rng = random.Random(12)
    reference = DirectReplay(site.topics)
    producer = AIOKafkaProducer(bootstrap_servers=site.bootstrap, acks="all")
    await producer.start()

    async def send(kind: str, user: str, value: bytes) -> None:
        reference.feed(kind, user, value)
        topic = {"interaction": site.topics.interactions, "forget": site.topics.forgets}[kind]
        await producer.send(topic, value, user.encode(), partition=partition_of(user, 4))

    async def clicks(begin: int, end: int) -> None:
        for n in range(begin, end):
            await send("interaction", *click(n, rng))
        await producer.flush()

    async def forget(users: range, until: int) -> None:
        for number in users:
            body = {"user_id": f"u{number}", "timestamp": 1_700_000_000_000 + until}
            await send("forget", f"u{number}", json.dumps(body).encode())
        await producer.flush()

    try:
        site.worker.start()
        await clicks(0, EVENTS // 2)
        await site.until(lambda: site.read() == EVENTS // 2, "the first half is learned")
        await forget(range(8), EVENTS)
        # Killed while the rebuild is under way, or just before or after: the next owner begins again.
        for pause in (0.1, 0.4, 1.0):
            await asyncio.sleep(pause)
            site.worker.kill()
            site.worker.start()
        await clicks(EVENTS // 2, EVENTS // 2 + 3_000)
        await site.until(site.files_follow, "Redis' files follow, whoever was killed before they did")
        await forget(range(8, 12), EVENTS // 4)  # up to a time in the middle of what they did
        await clicks(EVENTS // 2 + 3_000, EVENTS)
        await site.until(lambda: site.read() == EVENTS, "everything is learned")
        await site.until(
            lambda: all(head.unlearned == head.next.get("forgets", 0) for head in site.heads()), "all is unlearned"
        )
        assert sum(head.unlearned for head in site.heads()) == 12
        assert site.digest() == reference.digest()
        assert sum(head.applied + head.forgotten for head in site.heads()) == EVENTS
        assert not list(site.client.scan_iter(match="*:aside:*")), "nothing is left beside the state"
        assert site.worker.terminate() == 0
    finally:
        site.worker.close()
        await producer.stop()
        site.client.close()


@pytest.mark.timeout(120)
async def test_a_log_that_no_longer_reaches_back_is_said(site: Site) -> None:
    rng = random.Random(3)
    producer = AIOKafkaProducer(bootstrap_servers=site.bootstrap, acks="all")
    admin = AIOKafkaAdminClient(bootstrap_servers=site.bootstrap)
    await producer.start()
    await admin.start()
    partition = partition_of("u1", 4)
    try:
        site.worker.start()
        for n in range(400):
            user, value = click(n, rng)
            await producer.send(site.topics.interactions, value, user.encode(), partition=partition_of(user, 4))
        await producer.flush()
        await site.until(lambda: site.read() == 400, "the events are learned")
        place = TopicPartition(site.topics.interactions, partition)
        await admin.delete_records({place: RecordsToDelete(before_offset=10)})
        body = json.dumps({"user_id": "u1", "timestamp": 2_000_000_000_000}).encode()
        await producer.send_and_wait(site.topics.forgets, body, b"u1", partition=partition)
        reader = redis.asyncio.Redis.from_url(site.url)
        try:
            deadline = time.monotonic() + 60
            while not (told := await read_forgetting(reader, site.keys.users(partition))).gap:
                assert time.monotonic() < deadline, (told, site.worker.log_tail())
                await asyncio.sleep(0.1)
        finally:
            await reader.aclose()
        assert told.erased == 1
        assert told.unlearned == 0
        assert "offsets 0 to 9" in told.gap
        assert not site.client.hexists(site.keys.users(partition).users, "u1")
        assert "stay in the counts" in site.worker.log()
        assert "u1" not in site.worker.log(), "an id does not go into the log"
        assert site.worker.terminate() == 0
    finally:
        site.worker.close()
        await admin.close()
        await producer.stop()
        site.client.close()
