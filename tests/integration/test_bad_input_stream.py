"""Bad input in a stream of 10,000 good events, through a real Kafka, a worker in its own process and a real Redis."""

import asyncio
import json
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from recommender.event_types import EventTypes
from recommender.events import split_envelope
from recommender.head import UserHead, decode_item_head, decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.admin import create_topics
from streams.batch import Batch
from streams.digest import digest
from streams.intake import LogRecord
from streams.letter_box import CUT_BYTES
from streams.redis_store import RedisItemStore, RedisUserStore, connect
from streams.replay import DirectReplay
from tests.rig.bad_cases import Case, cases
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.topic import read_topic
from tests.rig.worker import WorkerProcess

EVENTS = 10_000
CLUSTER = "bad-input"
LARGE = {"max.message.bytes": "20000000"}
BOMB_BYTES = 64_000_000

Place = tuple[str, int, int, int]


@dataclass
class Stream:
    """What is written: records by topic and partition; and what must become of them."""

    records: dict[tuple[str, int], list[tuple[bytes | None, bytes | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    good: dict[tuple[str, int], list[LogRecord]] = field(default_factory=lambda: defaultdict(list))
    dead: dict[Place, str] = field(default_factory=dict)
    applied: int = 0

    def click(self, n: int, user: str, item: str) -> None:
        value = json.dumps({"event_id": f"n{n}", "user_id": user, "item_id": item, "type": "click",
                            "timestamp": 1_700_000_000_000 + n}).encode()  # fmt: skip
        place = ("interactions", partition_of(user, 4))
        self.records[place].append((user.encode(), value))
        self._count(place, [value])
        self.applied += 1

    def case(self, case: Case) -> None:
        place = (case.topic, case.partition(Topics()))
        begin = len(self.records[place])
        letters = dict(case.dead)
        for step, value in enumerate(case.values):
            self.records[place].append((case.key, value))
            whole = 0 in letters and len(case.values) == 1
            elements = split_envelope(value) if not whole and case.topic == "interactions" and value else None
            kept = [value] if elements is None else elements
            self._count(place, [each for index, each in enumerate(kept) if index not in letters], case.key)
            for index, reason in letters.items():
                self.dead[(*place, begin + step, index)] = reason
        if case.topic == "interactions":
            self.applied += case.applied

    def _count(self, place: tuple[str, int], values: list[bytes | None], key: bytes | None = None) -> None:
        for value in values:
            self.good[place].append(LogRecord(len(self.good[place]), key, value))


def stream() -> Stream:
    """10,000 clicks of 300 users on 200 items, and a case of bad input after every 64th."""
    rng, made = random.Random(4), Stream()
    waiting = [case for case in cases() if case.topic != "items" or case.key is not None]  # Kafka refuses those
    for n in range(EVENTS):
        made.click(n, f"n{rng.randrange(300)}", f"i{int(rng.paretovariate(1.1)) % 200}")
        if n % 64 == 63 and waiting:
            made.case(waiting.pop(0))
    assert not waiting
    return made


def played(records: dict[tuple[str, int], list[LogRecord]]) -> DirectReplay:
    """These records in an engine of our own, without any broker."""
    engine = DirectReplay()
    for (topic, partition), of_one in records.items():
        for begin in range(0, len(of_one), 500):
            part = of_one[begin : begin + 500]
            engine.take(Batch(topic, partition, begin, begin + len(part), part))
    return engine


async def write(bootstrap: str, topics: Topics, made: Stream) -> None:
    """Everything to Kafka, in the order of each partition; some of it in batches that are bombs."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=100_000, acks="all")
    await producer.start()
    try:
        for (topic, partition), records in made.records.items():
            batch: Any = producer.create_batch()
            for key, value in records:
                if batch.append(timestamp=None, key=key, value=value) is None:
                    await (await producer.send_batch(batch, topics.name(topic), partition=partition))
                    batch = producer.create_batch()
                    assert batch.append(timestamp=None, key=key, value=value) is not None
            await (await producer.send_batch(batch, topics.name(topic), partition=partition))
    finally:
        await producer.stop()
    for codec in ("gzip", "zstd", "lz4"):
        await bomb(bootstrap, topics, codec, made)


async def bomb(bootstrap: str, topics: Topics, codec: str, made: Stream) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, max_batch_size=2 * BOMB_BYTES)
    await producer.start()
    try:
        batch: Any = producer.create_batch()
        batch.append(timestamp=None, key=None, value=b"[" + bytes(BOMB_BYTES))
        written = await (await producer.send_batch(batch, topics.interactions, partition=2))
        made.dead["interactions", 2, written.offset, 0] = "too_large"
    finally:
        await producer.stop()


@pytest.mark.timeout(300)
async def test_each_case_is_one_letter_and_the_others_are_learned_as_if_it_were_not_there(
    kafka: KafkaBroker, redis_server: RedisServer, prefix: str
) -> None:
    topics = Topics(prefix, overrides=dict.fromkeys(("interactions", "items"), LARGE))
    await create_topics(kafka.bootstrap, topics)
    made = stream()
    clean = played(made.good)
    await write(kafka.bootstrap, topics, made)
    client: Any = connect(redis_server.url)
    keys = Keys(CLUSTER, prefix)
    ends = {place: len(records) for place, records in made.records.items()}
    ends["interactions", 2] += 3

    def heads() -> list[UserHead]:
        return [decode_user_head(client.get(keys.users(p).head)) for p in range(4)]

    def behind() -> dict[tuple[str, int], int]:
        found = heads()
        items = [decode_item_head(client.get(keys.items(p).head)) for p in range(4)]
        return {
            (topic, p): at
            for (topic, p), end in ends.items()
            if (at := (items if topic == "items" else found)[p].next.get(topic, 0)) < end
        }

    worker = WorkerProcess(kafka.bootstrap, redis_server.url, CLUSTER, prefix, COLDSPRING_EXAMPLES="0")
    try:
        worker.start()
        deadline = time.monotonic() + 120
        while waited_for := behind():
            assert worker.running, worker.log_tail()
            assert time.monotonic() < deadline, f"{waited_for} of {ends}\n{worker.log_tail()}"
            await asyncio.sleep(0.05)
        assert worker.terminate() == 0, worker.log_tail()
        said = worker.log()
    finally:
        worker.close()

    found: dict[Place, Any] = {}
    for record in read_topic(kafka.bootstrap, topics.dead_letters):
        told = {name: value.decode() for name, value in record.headers}
        place = (told["topic"].removeprefix(prefix), int(told["partition"]), int(told["offset"]), int(told["index"]))
        assert place not in found
        found[place] = (told["reason"], record)
    assert {place: reason for place, (reason, _) in found.items()} == made.dead
    for (topic, partition, offset, index), (reason, record) in found.items():
        if (records := made.records[topic, partition])[offset:]:
            key, value = records[offset]
            assert record.key == key
            original = value
            if (
                topic == "interactions"
                and value
                and reason != "too_large"
                and (elements := _elements(value)) is not None
            ):
                original = elements[index]
            assert record.value == original or (reason == "too_large" and record.value[:CUT_BYTES] in (value or b""))

    now = heads()
    assert sum(head.applied for head in now) == made.applied == clean.counts()["applied"]
    assert sum(head.duplicates for head in now) == 1
    assert sum(head.dead_letters for head in now) == sum(topic == "interactions" for topic, *_ in made.dead)
    users = [RedisUserStore(client, keys.users(p)) for p in range(4)]
    items = [RedisItemStore(client, keys.items(p)) for p in range(4)]
    assert digest(users, items, EventTypes().names) == clean.digest()
    client.close()

    assert max(map(len, said.splitlines()), default=0) < 400
    for case in cases():
        for value in case.values:
            text = (value or b"").decode("utf-8", "replace")
            assert len(text) <= 200 or text[-200:] not in said


def _elements(value: bytes) -> list[bytes] | None:
    try:
        return split_envelope(value)
    except ValueError:
        return None
