"""How long a forget takes: until nothing of the user can be reached, until no file holds them, until no count does.

    python -m benchmarks.forgetting [--events 100000] [--users 20]

Real ratings in a real Kafka, learned into a real Redis by one worker. Users are forgotten one by one, then as many
again at once; the last stage is the fold of their whole partition from its first event, so its time grows with the log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from benchmarks.figures import load_average, print_table
from benchmarks.ingest import CLUSTER, LIMIT_S, produce, worker
from coldspring.dataset import interactions
from recommender.head import UserHead, decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.admin import create_topics
from streams.redis_store import connect
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer

STAGES = ("erased", "files", "counts")


class Watch:
    """What Redis says of the partitions."""

    def __init__(self, redis: str, topics: Topics) -> None:
        self._client: Any = connect(redis)
        self._keys = Keys(CLUSTER, topics.prefix)
        self._topics = topics

    def heads(self) -> list[UserHead]:
        found = self._client.mget([self._keys.users(p).head for p in range(self._topics.partitions)])
        return [decode_user_head(data) for data in found]

    def reached(self) -> dict[str, list[int]]:
        """The offset of `forgets` up to which each stage is done, by partition."""
        heads = self.heads()
        files = [self._client.hget(self._keys.users(p).unlearning, "files") for p in range(self._topics.partitions)]
        return {
            "erased": [head.next.get("forgets", 0) for head in heads],
            "files": [int(offset or 0) for offset in files],
            "counts": [head.unlearned for head in heads],
        }


def wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing for {LIMIT_S:g} s")
        time.sleep(0.002)


def stages(watch: Watch, wanted: list[int]) -> dict[str, float]:
    """Seconds until each stage is done up to these offsets."""
    began, took = time.perf_counter(), dict[str, float]()
    while len(took) < len(STAGES):
        now = watch.reached()
        for stage in STAGES:
            if stage not in took and all(at >= end for at, end in zip(now[stage], wanted, strict=True)):
                took[stage] = time.perf_counter() - began
        time.sleep(0.002)
        if time.perf_counter() - began > LIMIT_S:
            raise SystemExit(f"after {LIMIT_S:g} s: {now}, wanted {wanted}")
    return took


async def forget(bootstrap: str, topics: Topics, users: Sequence[str], wanted: list[int]) -> None:
    """Send forgets; `wanted` counts them by partition."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for user in users:
        partition = partition_of(user, topics.partitions)
        wanted[partition] += 1
        body = msgspec.json.encode({"user_id": user, "timestamp": 2_000_000_000_000})
        await producer.send_and_wait(topics.forgets, body, user.encode(), partition=partition)
    await producer.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=20)
    options = parser.parse_args()
    events = [(event["user_id"], msgspec.json.encode(event)) for event in islice(interactions(), options.events)]
    chosen = random.Random(5).sample(sorted({user for user, _ in events}), 2 * options.users)
    topics = Topics()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-")))
        kafka = stack.enter_context(KafkaBroker(folder / "kafka"))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        asyncio.run(create_topics(kafka.bootstrap, topics))
        asyncio.run(produce(kafka.bootstrap, topics, events, 1))
        stack.enter_context(worker(kafka.bootstrap, redis.url, topics.prefix))
        watch = Watch(redis.url, topics)
        wait(lambda: sum(head.applied for head in watch.heads()) >= len(events))
        wanted = [0] * topics.partitions
        single = []
        for user in chosen[: options.users]:
            asyncio.run(forget(kafka.bootstrap, topics, [user], wanted))
            single.append(stages(watch, wanted))
        asyncio.run(forget(kafka.bootstrap, topics, chosen[options.users :], wanted))
        together = stages(watch, wanted)
    report = {
        stage: {
            "one_p50_s": round(statistics.median(one[stage] for one in single), 3),
            "one_max_s": round(max(one[stage] for one in single), 3),
            "together_s": round(together[stage], 3),
        }
        for stage in STAGES
    }
    rows = [(stage, *report[stage].values()) for stage in STAGES]
    print_table(("seconds until", "one, p50", "one, max", f"{options.users} at once"), rows)
    told = {"benchmark": "forgetting", "events": len(events), "users": options.users, **report}
    print(json.dumps({**told, "partitions": topics.partitions, "load_average": load_average()}))


if __name__ == "__main__":
    main()
