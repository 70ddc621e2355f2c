"""Three Kafka clients as their users would set them up; `publish` returns when the broker has the record."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Protocol, Self

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer
from kafka import KafkaProducer

TIMEOUT_S = 30.0


class Announcer(Protocol):
    """A producer of any make."""

    async def publish(self, topic: str, key: str, value: bytes) -> None: ...


class KafkaPython:
    """kafka-python; its default partitioner is murmur2."""

    def __init__(self, bootstrap: str) -> None:
        # The embedded broker does not answer the question for its version.
        self._producer: Any = KafkaProducer(bootstrap_servers=bootstrap, api_version=(2, 3))

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        future = self._producer.send(topic, value, key.encode())
        await asyncio.to_thread(future.get, TIMEOUT_S)

    def close(self) -> None:
        self._producer.close()


class Confluent:
    """confluent-kafka; `murmur2_random` is the Java client's partitioner."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        self._producer.produce(topic, value, key)
        await asyncio.to_thread(self._producer.flush, TIMEOUT_S)


class Aiokafka:
    """aiokafka; its default partitioner is murmur2."""

    def __init__(self, bootstrap: str) -> None:
        self._producer: Any = AIOKafkaProducer(bootstrap_servers=bootstrap)

    async def start(self) -> None:
        await self._producer.start()

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        await self._producer.send_and_wait(topic, value, key.encode())

    async def close(self) -> None:
        await self._producer.stop()


class Announcers:
    """One of each, connected within the block."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def __aenter__(self) -> Self:
        self._first = KafkaPython(self._bootstrap)
        self._second = Aiokafka(self._bootstrap)
        await self._second.start()
        self.by_name: dict[str, Announcer] = {
            "kafka-python": self._first,
            "aiokafka": self._second,
            "confluent-kafka": Confluent(self._bootstrap),
        }
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._second.close()
        self._first.close()
