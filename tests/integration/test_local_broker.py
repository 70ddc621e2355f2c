"""The embedded broker: real clients on it, its partitions, and that it ends with its parent."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.local_broker import BrokerError, BrokerProcess, EmbeddedBroker
from tests.rig.kafka import brokers_known

PARENT = """
import time
from streams.local_broker import BrokerProcess
print(BrokerProcess({"interactions": 2}).start().bootstrap, flush=True)
time.sleep(120)
"""


def address(bootstrap: str) -> tuple[str, int]:
    host, port = bootstrap.split(":")
    return host, int(port)


def gone(bootstrap: str, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while brokers_known(*address(bootstrap)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def round_trip(bootstrap: str, topic: str, count: int) -> list[bytes]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        for number in range(count):
            await producer.send(topic, b"%d" % number, partition=1)
        await producer.flush()
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 1)])
        values: list[bytes] = []
        while len(values) < count:
            values += [record.value for batch in (await consumer.getmany(timeout_ms=500)).values() for record in batch]
        return values
    finally:
        await consumer.stop()


async def test_topics_have_their_partitions(embedded_broker: EmbeddedBroker, prefix: str) -> None:
    wanted = {prefix + "interactions": 7, prefix + "items": 3, prefix + "control": 1}
    embedded_broker.create_topics(wanted)
    consumer = AIOKafkaConsumer(bootstrap_servers=embedded_broker.bootstrap)
    await consumer.start()
    try:
        consumer.subscribe(list(wanted))
        await asyncio.wait_for(consumer._client.force_metadata_update(), 10)
        assert {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in wanted} == wanted
    finally:
        await consumer.stop()


async def test_records_come_back_in_order(embedded_broker: EmbeddedBroker) -> None:
    embedded_broker.create_topics({"interactions": 4})
    assert await round_trip(embedded_broker.bootstrap, "interactions", 500) == [b"%d" % n for n in range(500)]


async def test_a_group_joins_quickly(embedded_broker: EmbeddedBroker) -> None:
    embedded_broker.create_topics({"interactions": 4})
    consumer = AIOKafkaConsumer("interactions", bootstrap_servers=embedded_broker.bootstrap, group_id="g")
    began = time.monotonic()
    await consumer.start()
    try:
        assert len(consumer.assignment()) == 4
        assert time.monotonic() - began < 2.5
    finally:
        await consumer.stop()


def test_a_topic_is_made_once(embedded_broker: EmbeddedBroker) -> None:
    embedded_broker.create_topics({"items": 2})
    with pytest.raises(BrokerError, match="items"):
        embedded_broker.create_topics({"items": 2})


def test_a_new_run_is_a_new_log() -> None:
    broker = EmbeddedBroker({"items": 1})
    with pytest.raises(BrokerError, match="not running"):
        _ = broker.bootstrap
    ids = set()
    for _ in range(2):
        with broker:
            ids.add(broker.cluster_id)
            assert broker.bootstrap.startswith("127.0.0.1:")
    broker.close()
    assert len(ids) == 2


async def test_a_process_of_its_own() -> None:
    with BrokerProcess({"interactions": 4}) as broker:
        bootstrap = broker.bootstrap
        assert await round_trip(bootstrap, "interactions", 50) == [b"%d" % n for n in range(50)]
    assert gone(bootstrap, within_s=2)


def test_a_process_that_fails_says_so() -> None:
    with pytest.raises(BrokerError, match="before it was ready"):
        BrokerProcess({"interactions": -1}).start()


def test_its_process_ends_with_a_killed_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        bootstrap = parent.stdout.readline().strip()
        assert brokers_known(*address(bootstrap)) == 1
        os.kill(parent.pid, signal.SIGKILL)
    assert gone(bootstrap, within_s=5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_by_hand_it_prints_one_line_and_ends_on_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "streams.local_broker", "--topics", '{"items": 2}']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            assert (ready["pid"], len(ready["cluster_id"])) == (process.pid, 16)
            assert brokers_known(*address(ready["bootstrap"])) == 1
            process.send_signal(number)
            assert process.wait(timeout=5) == 0
            assert process.stdout.read() == ""
        finally:
            with suppress(ProcessLookupError):
                process.kill()
