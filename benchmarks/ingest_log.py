"""A log of events for the ingest benchmarks: put into Kafka, or folded in this process."""

from __future__ import annotations

import time
from collections import defaultdict

from aiokafka import AIOKafkaProducer

from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.replay import DirectReplay

Events = list[tuple[str, bytes]]
"""User ids with the events' JSON."""


def direct(events: Events) -> float:
    """Events a second of the fold alone."""
    engine = DirectReplay()
    began = time.perf_counter()
    for user, value in events:
        engine.feed("interaction", user, value)
    engine.flush()
    return len(events) / (time.perf_counter() - began)


async def produce(bootstrap: str, topics: Topics, events: Events, size: int) -> int:
    """Put the events into Kafka, `size` to a record; how many records."""
    parts: dict[int, Events] = defaultdict(list)
    for user, value in events:
        parts[partition_of(user, topics.partitions)].append((user, value))
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, max_batch_size=256 * 1024)
    await producer.start()
    records = 0
    for partition, share in parts.items():
        for begin in range(0, len(share), size):
            together = share[begin : begin + size]
            value = together[0][1] if size == 1 else b"[" + b",".join(each for _, each in together) + b"]"
            key = together[0][0].encode() if size == 1 else None
            await producer.send(topics.interactions, value, key, partition=partition)
            records += 1
    await producer.stop()
    return records
