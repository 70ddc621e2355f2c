"""The real servers of the rig: started, used, killed, started again with their data."""

import time
from pathlib import Path

import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.rig.kafka import KafkaBroker, brokers_known
from tests.rig.redis_server import RedisServer


async def create(broker: KafkaBroker, topic: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=1)])
    finally:
        await admin.close()


async def produce(broker: KafkaBroker, topic: str, values: list[bytes], compression: str | None = None) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, acks="all", enable_idempotence=True, compression_type=compression
    )
    await producer.start()
    try:
        for value in values:
            await producer.send(topic, value, partition=0)
        await producer.flush()
    finally:
        await producer.stop()


async def read(broker: KafkaBroker, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        found: list[bytes] = []
        while len(found) < count:
            batches = await consumer.getmany(timeout_ms=1000)
            found += [record.value for records in batches.values() for record in records]
        return found
    finally:
        await consumer.stop()


async def test_acknowledged_records_survive_kill_and_restart(kafka: KafkaBroker, prefix: str) -> None:
    topic = prefix + "interactions"
    before, after = [b"a%d" % n for n in range(200)], [b"b%d" % n for n in range(200)]
    await create(kafka, topic, 3)
    await produce(kafka, topic, before)
    address, cluster = kafka.bootstrap, kafka.cluster_id
    kafka.kill()
    assert brokers_known("127.0.0.1", kafka.port) == 0
    kafka.start()
    assert (kafka.bootstrap, kafka.cluster_id) == (address, cluster)
    await produce(kafka, topic, after)
    assert await read(kafka, topic, 400) == before + after
    kafka.restart()
    assert await read(kafka, topic, 400) == before + after


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_it_takes_every_compression(kafka: KafkaBroker, prefix: str, compression: str) -> None:
    topic = prefix + "interactions"
    values = [b"the same words again and again %d" % n for n in range(50)]
    await create(kafka, topic, 1)
    await produce(kafka, topic, values, compression)
    assert await read(kafka, topic, 50) == values


async def test_two_brokers_live_side_by_side(kafka: KafkaBroker, tmp_path: Path, prefix: str) -> None:
    began = time.monotonic()
    with KafkaBroker(tmp_path / "other") as other:
        assert time.monotonic() - began < 30
        assert other.cluster_id != kafka.cluster_id
        await create(other, prefix + "items", 1)
        await produce(other, prefix + "items", [b"x"])
        assert await read(other, prefix + "items", 1) == [b"x"]


def test_redis_keeps_what_it_acknowledged(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        for number in range(300):
            client.set(f"k{number}", number)
    redis_server.kill()
    redis_server.start()
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.dbsize() == 300
        client.set("last", 1)
    redis_server.restart()
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.dbsize() == 301
