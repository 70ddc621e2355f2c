"""The embedding worker between a broker and a store: new, changed and removed items, restarts, outages."""

import asyncio
import gc
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from embedding_worker.counters import Counters
from embedding_worker.encoders.hashing import HashingEncoder
from embedding_worker.query_client import QueryClient
from embedding_worker.text import compose
from embedding_worker.worker import run
from embedding_worker.worker_settings import WorkerSettings
from recommender.events import Item, encode
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.vectors import Vector, decode_item_vector, decode_stored
from streams.local_broker import EmbeddedBroker
from streams.local_store import LocalStore
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer

PARTITIONS = 3

# aiokafka loses sight of a connection that is being opened while its client stops, and says so when it is collected.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed AIOKafkaConnection:ResourceWarning")


@pytest.fixture(autouse=True)
def collect() -> Iterator[None]:
    """Collect such connections here, where the warning is expected, and not in a later test."""
    yield
    gc.collect()


class Watched(HashingEncoder):
    """Counts what it encodes."""

    def __init__(self) -> None:
        super().__init__(64)
        self.texts: list[str] = []
        self.pause_s = 0.0

    def encode(self, texts: Sequence[str]) -> Vector:
        self.texts.extend(texts)
        time.sleep(self.pause_s)
        return super().encode(texts)


@dataclass
class Place:
    """Where a worker works, and what is there."""

    bootstrap: str
    redis_url: str
    prefix: str = ""
    keys: Keys = field(default_factory=lambda: Keys(secrets.token_hex(4)))
    encoder: Watched = field(default_factory=Watched)

    @property
    def settings(self) -> WorkerSettings:
        return WorkerSettings(
            self.bootstrap,
            self.redis_url,
            self.keys,
            items=f"{self.prefix}items",
            item_vectors=f"{self.prefix}item-vectors",
            group=f"{self.prefix}g",
            batch_items=16,
            linger_s=0.005,
        )

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[asyncio.Task[Counters]]:
        stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
        task = asyncio.create_task(run(self.settings, stop, port.set_result, make_encoder=lambda: self.encoder))
        yield task
        stop.set()
        await asyncio.wait_for(task, 15)

    async def send(self, items: dict[str, str | bytes | None]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        await producer.start()
        try:
            for item_id, title in items.items():
                value = announce(item_id, title) if isinstance(title, str) else title
                place = partition_of(item_id, PARTITIONS)
                await producer.send(f"{self.prefix}items", value, key=item_id.encode(), partition=place)
        finally:
            await producer.stop()

    def stored(self) -> dict[str, Vector]:
        with redis.Redis.from_url(self.redis_url) as client:
            found: dict[str, Vector] = {}
            for partition in range(PARTITIONS):
                rows: Any = client.hgetall(self.keys.items(partition).vectors(self.encoder.space))
                for item_id, value in rows.items():
                    found[item_id.decode()] = decode_stored(value, 64).vector
            return found

    def positions(self) -> list[bytes | None]:
        with redis.Redis.from_url(self.redis_url) as client:
            heads = [self.keys.items(number).vectors(self.encoder.space) + ":head" for number in range(PARTITIONS)]
            found: Any = client.mget(heads)
            return list(found)

    async def published(self) -> dict[str, Vector]:
        """The topic as a reader has it: the last record of each item."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(f"{self.prefix}item-vectors", number) for number in range(PARTITIONS)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning(*places)
            found: dict[str, Vector] = {}
            while any([await consumer.position(place) < ends[place] for place in places]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        found.pop(record.key.decode(), None)
                        if record.value:
                            found[record.key.decode()] = decode_item_vector(record.value, record.headers, 64).vector
            return found
        finally:
            await consumer.stop()

    async def until(self, wanted: dict[str, str], timeout_s: float = 30.0) -> None:
        """Wait until Redis holds the vectors of exactly these items, then check the topic."""
        expected = dict(
            zip(wanted, HashingEncoder(64).encode([composed(title) for title in wanted.values()]), strict=True)
        )

        def same(held: dict[str, Vector]) -> bool:
            near = all(float(held[name] @ vector) > 0.999 for name, vector in expected.items() if name in held)
            return set(held) == set(expected) and near

        await eventually(lambda: same(self.stored()), timeout_s)
        assert same(await self.published())


def announce(item_id: str, title: str) -> bytes:
    return encode(Item(item_id=item_id, timestamp=1, title=title))


def composed(title: str) -> str:
    return compose(Item(item_id="x", timestamp=1, title=title))


async def eventually(true: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.05)


@pytest.fixture
def place(embedded_broker: EmbeddedBroker, embedded_store: LocalStore) -> Place:
    embedded_broker.create_topics({"items": PARTITIONS, "item-vectors": PARTITIONS})
    return Place(embedded_broker.bootstrap, embedded_store.url)


async def test_new_changed_and_removed_items_and_what_is_no_item(place: Place) -> None:
    async with place.worker():
        await place.send({"i1": "三体", "i2": "Alien", "i3": "😀", "i4": b"not json", "i5": "Heat"})
        await place.until({"i1": "三体", "i2": "Alien", "i3": "😀", "i5": "Heat"})
        await place.send({"i2": "Aliens", "i3": None, "i5": b""})
        await place.until({"i1": "三体", "i2": "Aliens"})
        await place.send({"i3": "back again"})
        await place.until({"i1": "三体", "i2": "Aliens", "i3": "back again"})
    with redis.Redis.from_url(place.redis_url) as client:
        head = client.get(place.keys.items(partition_of("i4", PARTITIONS)).vectors(place.encoder.space) + ":head")
        assert head is not None, "the position moves past what is no item"


async def test_a_restart_goes_on_where_redis_stands(place: Place) -> None:
    titles = {f"i{number}": f"title {number}" for number in range(40)}
    async with place.worker():
        await place.send(dict(titles))
        await place.until(titles)
    place.encoder.texts.clear()
    await place.send({"new": "while it was away", "i3": None})
    async with place.worker():
        await place.until(
            {**{name: title for name, title in titles.items() if name != "i3"}, "new": "while it was away"}
        )
    assert [text for text in place.encoder.texts if text.startswith("title")] == []


async def test_a_text_that_returns_after_a_crash_is_the_last_word_on_the_topic_too(place: Place) -> None:
    """Published but not written, then changed back before anybody comes: the store knows the text, the topic not."""

    class EndedError(Exception):
        pass

    def published(moment: str) -> None:
        if moment == "vectors.published":
            raise EndedError

    async with place.worker():
        await place.send({"i1": "first", "i2": "other"})
        await place.until({"i1": "first", "i2": "other"})
    await place.send({"i1": "second", "i2": None})
    with pytest.raises(EndedError):
        await asyncio.wait_for(run(place.settings, make_encoder=lambda: place.encoder, reached=published), 60)
    await place.send({"i1": "first", "i2": "other", "i3": "third"})
    async with place.worker():
        await eventually(lambda: "i3" in place.stored())
        await place.send({"i4": "fourth"})
        await place.until({"i1": "first", "i2": "other", "i3": "third", "i4": "fourth"}, 60)


async def test_what_is_announced_again_unchanged_is_not_encoded_again(place: Place) -> None:
    async with place.worker() as task:
        await place.send({"i1": "same", "i2": "other"})
        await place.until({"i1": "same", "i2": "other"})
        before = len(place.encoder.texts)
        await place.send({"i1": "same", "i3": "third"})
        await place.until({"i1": "same", "i2": "other", "i3": "third"})
        assert place.encoder.texts[before:] == ["third"]
    assert task.result().items_unchanged == 1


PROGRAM = """
import asyncio, sys, time
from embedding_worker.encoders.hashing import HashingEncoder
from embedding_worker.worker import run
from embedding_worker.worker_settings import WorkerSettings
from recommender.keys import Keys

class Slow(HashingEncoder):
    def encode(self, texts):
        time.sleep(0.05)
        return super().encode(texts)

bootstrap, redis_url, cluster = sys.argv[1:]
told = WorkerSettings(bootstrap, redis_url, Keys(cluster), group="g", batch_items=4, linger_s=0.0)
asyncio.run(run(told, make_encoder=lambda: Slow(64)))
"""


async def test_kill_9_in_the_middle_loses_and_mixes_nothing(place: Place) -> None:
    random = np.random.default_rng(4)
    titles: dict[str, str] = {}
    for cycle in range(4):
        news: dict[str, str | bytes | None] = {}
        for number in random.integers(0, 90, 60).tolist():
            name = f"i{number}"
            if random.random() < 0.2:
                news[name] = None
                titles.pop(name, None)
            else:
                news[name] = titles[name] = f"title {number} of {cycle}"
        await place.send(news)
        before = place.positions()
        command = [sys.executable, "-c", PROGRAM, place.bootstrap, place.redis_url, place.keys.cluster]
        process = await asyncio.create_subprocess_exec(*command)
        try:
            await eventually(lambda before=before: place.positions() != before)  # type: ignore[misc]
            await asyncio.sleep(float(random.uniform(0.0, 0.25)))
        finally:
            process.kill()
            await process.wait()
    async with place.worker():
        await place.until(titles, 60)


async def test_two_workers_share_the_partitions(place: Place) -> None:
    titles = {f"i{number}": f"title {number}" for number in range(120)}
    async with place.worker():
        await place.send(dict(list(titles.items())[:60]))
        async with place.worker():
            await place.send(dict(list(titles.items())[60:]))
            await asyncio.sleep(1)
        await place.until(titles, 60)


async def test_a_store_that_was_emptied_is_filled_again(place: Place) -> None:
    async with place.worker():
        await place.send({"i1": "one", "i2": "two"})
        await place.until({"i1": "one", "i2": "two"})
        with redis.Redis.from_url(place.redis_url) as client:
            client.flushall()
        await place.until({"i1": "one", "i2": "two"}, 15)


async def test_a_store_that_is_away_is_waited_for(place: Place, embedded_store: LocalStore) -> None:
    async with place.worker() as task:
        await place.send({"i1": "one"})
        await place.until({"i1": "one"})
        embedded_store.kill()
        await place.send({"i2": "two"})
        await asyncio.sleep(1.5)
        assert not task.done()
        embedded_store.restart()
        await place.until({"i1": "one", "i2": "two"})


async def test_texts_are_answered_while_many_items_wait(place: Place) -> None:
    place.encoder.pause_s = 0.02
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run(place.settings, stop, port.set_result, make_encoder=lambda: place.encoder))
    client = QueryClient(f"127.0.0.1:{await port}")
    await place.send({f"i{number}": f"title {number}" for number in range(1_500)})
    await asyncio.sleep(0.3)
    taken: list[float] = []
    for number in range(20):
        began = time.monotonic()
        await client.encode([f"query {number}"])
        taken.append(time.monotonic() - began)
    assert sorted(taken)[-2] < 0.5
    assert (await client.status())["ready"] is True
    await client.close()
    stop.set()
    await asyncio.wait_for(task, 15)


async def test_on_a_real_broker_and_a_real_store(kafka: KafkaBroker, redis_server: RedisServer, prefix: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(f"{prefix}{name}", PARTITIONS, 1) for name in ("items", "item-vectors")])
    finally:
        await admin.close()
    place = Place(kafka.bootstrap, redis_server.url, prefix)
    titles = {f"i{number}": f"title {number}" for number in range(100)}
    async with place.worker():
        await place.send(dict(titles))
        await place.until(titles)
        redis_server.kill()
        await place.send({"late": "during the outage", "i7": None})
        await asyncio.sleep(1)
        redis_server.restart()
        titles.pop("i7")
        await place.until({**titles, "late": "during the outage"})
