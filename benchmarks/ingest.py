"""Events a second that the click worker learns, beside what aiokafka alone reads in the same run.

    python -m benchmarks.ingest [--events 40000] [--rounds 2]

Real ratings. `direct` folds them in this process, decoding and checking included, with no broker and no store.
`envelopes` and `singles` lie in a real Kafka before the worker starts, and are learned into a real Redis, with the
examples for the trainer; the clock runs from the first applied event to the last. The floor reads the same records
with a bare aiokafka consumer's `getmany` and drops them; the ratio is floor to worker, in events.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.figures import load_average, print_table
from coldspring.dataset import interactions
from recommender.head import decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.admin import create_topics
from streams.redis_store import connect
from streams.replay import DirectReplay
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.worker import WorkerProcess

CLUSTER = "bench"
ENVELOPE = 100
POLL_S = 0.005
LIMIT_S = 120.0
Events = list[tuple[str, bytes]]


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


async def bare(bootstrap: str, topics: Topics, records: int) -> float:
    """Seconds of a consumer that only reads."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(topics.interactions, partition) for partition in range(topics.partitions)])
    began = time.perf_counter()
    seen = 0
    while seen < records:
        seen += sum(map(len, (await consumer.getmany(timeout_ms=100)).values()))
    took = time.perf_counter() - began
    await consumer.stop()
    return took


def learned(bootstrap: str, redis: str, topics: Topics, events: int) -> float:
    """Events a second of a worker that finds them waiting."""
    client: Any = connect(redis)
    keys = Keys(CLUSTER, topics.prefix)

    def applied() -> int:
        return sum(decode_user_head(client.get(keys.users(p).head)).applied for p in range(topics.partitions))

    with worker(bootstrap, redis, topics.prefix):
        deadline = time.monotonic() + LIMIT_S
        first, began = 0, 0.0
        while (now := applied()) < events:
            if now and not first:
                first, began = now, time.perf_counter()
            if time.monotonic() > deadline:
                raise SystemExit(f"{now} of {events} events after {LIMIT_S:g} s")
            time.sleep(POLL_S)
        rate = (events - first) / (time.perf_counter() - began)
    client.close()
    return rate


@contextmanager
def worker(bootstrap: str, redis: str, prefix: str) -> Iterator[None]:
    process = WorkerProcess(bootstrap, redis, CLUSTER, prefix)
    process.start()
    try:
        yield
    finally:
        process.close()


def round_of(kafka: KafkaBroker, redis: RedisServer, name: str, events: Events, size: int) -> tuple[float, float]:
    """Events a second of the worker, and of the floor."""
    topics = Topics(prefix=f"{name}-")
    asyncio.run(create_topics(kafka.bootstrap, topics))
    records = asyncio.run(produce(kafka.bootstrap, topics, events, size))
    floor = len(events) / asyncio.run(bare(kafka.bootstrap, topics, records))
    return learned(kafka.bootstrap, redis.url, topics, len(events)), floor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    events = [(event["user_id"], msgspec.json.encode(event)) for event in islice(interactions(), options.events)]
    direct(events[:1_000])  # loads the compiled kernels
    rates = {"direct": [direct(events) for _ in range(options.rounds)]}
    floors: dict[str, list[float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-")))
        kafka = stack.enter_context(KafkaBroker(folder / "kafka"))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        for name, size in (("envelopes", ENVELOPE), ("singles", 1)):
            rounds = [round_of(kafka, redis, f"{name}{turn}", events, size) for turn in range(options.rounds)]
            rates[name] = [rate for rate, _ in rounds]
            floors[name] = [floor for _, floor in rounds]
    report: dict[str, Any] = {}
    for name, found in rates.items():
        report[name] = {"events_per_s": round(statistics.median(found))}
        if name in floors:
            floor = statistics.median(floors[name])
            report[name] |= {"floor_per_s": round(floor), "ratio": round(floor / statistics.median(found), 1)}
    rows = [
        (name, one["events_per_s"], one.get("floor_per_s", ""), one.get("ratio", "")) for name, one in report.items()
    ]
    print_table(("events a second", "learned", "bare getmany", "ratio"), rows)
    print(json.dumps({"benchmark": "ingest", "events": len(events), **report, "load_average": load_average()}))


if __name__ == "__main__":
    main()
