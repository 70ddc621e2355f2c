"""The log read again: from a real Kafka with all that leaves gaps in offsets, and from the embedded broker."""

from __future__ import annotations

import confluent_kafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from streams.local_broker import EmbeddedBroker
from streams.log_source import JoinedLog, KafkaLog, LogAwayError, LogGapError
from tests.rig.kafka import KafkaBroker

TRANSACTION = 10


async def create(broker: KafkaBroker, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    finally:
        await admin.close()


async def delete_before(broker: KafkaBroker, topic: str, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


def transact(bootstrap: str, topic: str, commits: list[bool]) -> list[bytes]:
    """Transactions of ten records each, committed or aborted; the values of the committed ones."""
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{topic}-writer"})
    producer.init_transactions()
    kept: list[bytes] = []
    for number, commit in enumerate(commits):
        producer.begin_transaction()
        values = [b"%d:%d" % (number, each) for each in range(TRANSACTION)]
        for value in values:
            producer.produce(topic, value, partition=0)
        producer.flush()
        if commit:
            producer.commit_transaction()
            kept += values
        else:
            producer.abort_transaction()
    return kept


def values(log: KafkaLog | JoinedLog, topic: str, begin: int, end: int) -> list[bytes | None]:
    """All values of a range, with a check that the batches cover it without a gap."""
    found: list[bytes | None] = []
    at = begin
    for batch in log.read(topic, 0, begin, end):
        assert batch.begin == at < batch.next
        assert all(batch.begin <= record.offset < batch.next for record in batch.records)
        at = batch.next
        found += [record.value for record in batch.records]
    assert at == end
    return found


async def test_aborted_transactions_are_left_out_and_batches_still_cover_every_offset(
    kafka: KafkaBroker, prefix: str
) -> None:
    topic = prefix + "interactions"
    await create(kafka, topic)
    kept = transact(kafka.bootstrap, topic, [True, False, False, True, False])
    log = KafkaLog(kafka.bootstrap)
    first, end = log.bounds(topic, 0)
    assert (first, end) == (0, 5 * (TRANSACTION + 1))  # each transaction ends with a marker
    assert values(log, topic, 0, end) == kept
    assert values(log, topic, 5, 15) == kept[5:TRANSACTION]
    aborted = TRANSACTION + 2
    assert values(log, topic, aborted, aborted + 5) == []
    assert list(log.read(topic, 0, 7, 7)) == []
    assert log.bounds(topic, 1) == (0, 0)


async def test_what_retention_took_is_a_gap_by_name_and_an_older_source_fills_it(
    kafka: KafkaBroker, embedded_broker: EmbeddedBroker, prefix: str
) -> None:
    topic = prefix + "interactions"
    await create(kafka, topic)
    embedded_broker.create_topics({topic: 2})
    every = [b"%d" % number for number in range(300)]
    for bootstrap, upto in ((kafka.bootstrap, 300), (embedded_broker.bootstrap, 200)):
        producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap})
        for value in every[:upto]:
            producer.produce(topic, value, partition=0)
        producer.flush()
    await delete_before(kafka, topic, 120)
    newer, older = KafkaLog(kafka.bootstrap), KafkaLog(embedded_broker.bootstrap)
    assert newer.bounds(topic, 0) == (120, 300)
    with pytest.raises(LogGapError) as gap:
        list(newer.read(topic, 0, 100, 300))
    assert (gap.value.begin, gap.value.held) == (100, 120)
    with pytest.raises(LogGapError):
        list(newer.read(topic, 0, 250, 301))

    joined = JoinedLog(older, newer)
    assert joined.bounds(topic, 0) == (0, 300)
    assert values(joined, topic, 0, 300) == every

    await delete_before(kafka, topic, 220)  # now nobody holds 200 to 219
    with pytest.raises(LogGapError) as between:
        list(joined.read(topic, 0, 0, 300))
    assert (between.value.begin, between.value.held) == (200, 220)


async def test_a_broker_that_is_away_says_so_and_is_read_again_when_it_is_back(kafka: KafkaBroker, prefix: str) -> None:
    topic = prefix + "interactions"
    await create(kafka, topic)
    transact(kafka.bootstrap, topic, [True])
    log = KafkaLog(kafka.bootstrap, timeout_s=3.0)
    assert len(values(log, topic, 0, TRANSACTION)) == TRANSACTION
    kafka.kill()
    try:
        with pytest.raises(LogAwayError):
            log.bounds(topic, 0)
        with pytest.raises(LogAwayError):
            list(log.read(topic, 0, 0, TRANSACTION))
    finally:
        kafka.start()
    log = KafkaLog(kafka.bootstrap, timeout_s=60.0)
    assert len(values(log, topic, 0, TRANSACTION)) == TRANSACTION


def test_a_long_log_comes_in_batches_that_fit_in_memory(embedded_broker: EmbeddedBroker) -> None:
    embedded_broker.create_topics({"interactions": 1})
    producer = confluent_kafka.Producer({"bootstrap.servers": embedded_broker.bootstrap})
    for number in range(20_000):
        producer.produce("interactions", b"%d" % number, partition=0)
    producer.flush()
    log = KafkaLog(embedded_broker.bootstrap)
    assert values(log, "interactions", 0, 20_000) == [b"%d" % number for number in range(20_000)]
    assert max(len(batch.records) for batch in log.read("interactions", 0, 0, 20_000)) <= 5_000
