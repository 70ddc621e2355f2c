"""One trial: a log in Kafka, its right answer by direct replay, workers to be hurt, and the oracle."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from recommender.event_types import EventTypes
from recommender.head import ItemHead, UserHead, decode_item_head, decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.digest import digest
from streams.redis_store import RedisItemStore, RedisUserStore, connect
from streams.replay import DirectReplay
from tests.chaos.events import TOPICS, Event
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.topic import read_topic
from tests.rig.worker import WorkerProcess

CLUSTER: Final = "chaos"
QUICK: Final = {"COLDSPRING_SESSION": "2"}
"""For trials that are not about the time a group takes to notice a death."""


@dataclass
class Trial:
    """A log, a store, workers, and what must come out."""

    kafka: KafkaBroker
    redis: RedisServer
    topics: Topics
    data: str
    reference: DirectReplay = field(init=False)
    sent: Counter[str] = field(default_factory=Counter)
    workers: list[WorkerProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reference = DirectReplay(self.topics)
        self.keys = Keys(CLUSTER, self.topics.prefix)
        self.client: Any = connect(self.redis.url, timeout_s=5.0)
        self._producer: Any = None

    # Processes

    def process(self, role: str = "worker", **more: str) -> WorkerProcess:
        """A process of the system, not started yet; it ends with the trial."""
        told = {"COLDSPRING_EXAMPLES": "0", "COLDSPRING_DATA": self.data, **more}
        worker = WorkerProcess(self.kafka.bootstrap, self.redis.url, CLUSTER, self.topics.prefix, role, **told)
        self.workers.append(worker)
        return worker

    async def close(self) -> None:
        """End everything that the trial started."""
        for worker in self.workers:
            worker.resume()
            worker.close()
        if self._producer is not None:
            await self._producer.stop()
        self.client.close()

    # The log

    async def send(self, events: Sequence[Event], known: bool = True) -> None:
        """Put events into Kafka, acknowledged, and (if `known`) into the reference."""
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self.kafka.bootstrap, acks="all", request_timeout_ms=90_000
            )
            await self._producer.start()
        sent = []
        for event in events:
            topic = TOPICS[event.kind]
            place = partition_of(event.identity, self.topics.count(topic))
            sent.append(
                await self._producer.send(
                    self.topics.name(topic), event.value, key=event.identity.encode(), partition=place
                )
            )
            self.sent[topic] += 1
            if known:
                self.reference.feed(event.kind, event.identity, event.value)
        await asyncio.gather(*sent)

    async def ends(self, topic: str) -> list[int]:
        """The next offset of each partition of a topic."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap)
        await consumer.start()
        try:
            places = [TopicPartition(self.topics.name(topic), p) for p in range(4)]
            found = await consumer.end_offsets(places)
            return [found[place] for place in places]
        finally:
            await consumer.stop()

    # The state

    def heads(self) -> list[UserHead]:
        """Of every partition of users."""
        return [decode_user_head(data) for data in self.client.mget([self.keys.users(p).head for p in range(4)])]

    def item_heads(self) -> list[ItemHead]:
        """Of every partition of items."""
        return [decode_item_head(data) for data in self.client.mget([self.keys.items(p).head for p in range(4)])]

    def done(self, topic: str = "interactions") -> int:
        """So many records of a topic are in the state."""
        heads: list[Any] = [*self.item_heads()] if topic == "items" else [*self.heads()]
        return sum(head.next.get(topic, 0) for head in heads)

    async def until(self, true: Callable[[], bool], seconds: float = 120.0, what: str = "") -> float:
        """Wait until something is so; the seconds that took. A store that is away is not so."""
        began = time.monotonic()
        while True:
            try:
                if true():
                    return time.monotonic() - began
            except Exception:
                if time.monotonic() - began > seconds:
                    raise
            logs = "\n---\n".join(worker.log_tail() for worker in self.workers)
            assert time.monotonic() - began < seconds, f"not {what or 'so'} after {seconds:g} s\n{logs}"
            await asyncio.sleep(0.02)

    def _revived(self) -> bool:
        for worker in self.workers:
            worker.revive()
        return True

    async def until_read(self, seconds: float = 180.0) -> float:
        """Wait until everything sent is in the state; who ended by themself is started again, as by `up`."""
        return await self.until(
            lambda: self._revived() and all(self.done(topic) >= count for topic, count in self.sent.items()),
            seconds,
            "all read",
        )

    async def check(self) -> None:
        """The oracle: nothing lost, nothing twice, the digest of an undisturbed run."""
        await self.until_read()
        expected = self.reference.counts()
        heads = self.heads()
        got = {
            "applied": sum(head.applied for head in heads),
            "duplicates": sum(head.duplicates for head in heads),
            "dead_letters": sum(head.dead_letters for head in heads),
        }
        assert {name: expected[name] for name in got} == got
        assert self.digest() == self.reference.digest()
        letters = {
            tuple(sorted((name, value) for name, value in letter.headers if name in ("topic", "partition", "offset")))
            for letter in read_topic(self.kafka.bootstrap, self.topics.dead_letters)
        }
        assert len(letters) == len(self.reference.dead)

    def digest(self) -> str:
        """Of the state in Redis."""
        users = [RedisUserStore(self.client, self.keys.users(p)) for p in range(4)]
        items = [RedisItemStore(self.client, self.keys.items(p)) for p in range(4)]
        return digest(users, items, EventTypes().names)

    def pulse(self, name: str) -> int:
        """A counter in the pulses of the workers."""
        from json import loads

        return sum(loads(value)["counts"].get(name, 0) for value in self.client.hvals(self.keys.pulses))


def pause(worker: WorkerProcess) -> None:
    """SIGSTOP: alive to the kernel, dead to everybody else."""
    os.kill(worker.pid, signal.SIGSTOP)
