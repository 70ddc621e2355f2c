"""Events a second that the click worker gets through with bad ones among them, beside clean ones in the same run.

    python -m benchmarks.bad_input [--events 30000] [--rounds 4]

Every event is a record of its own, waiting in a real Kafka before the worker starts; the state goes to a real Redis and
the bad events to the dead letters. `direct` folds the same records in this process, without a broker and a store.
Clean, 1 % and 50 % take turns (and change their order every round); a share is that of the medians. Bad events are of
ten kinds in turn, each about as long as a good one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.figures import load_average, print_table
from benchmarks.ingest import CLUSTER, LIMIT_S, POLL_S, Events, direct, produce, worker
from coldspring.dataset import interactions
from recommender.head import decode_user_head
from recommender.keys import Keys
from recommender.topics import Topics
from streams.admin import create_topics
from streams.redis_store import connect
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer

SHARES = {"clean": 0.0, "1 %": 0.01, "50 %": 0.5}
FLOORS = {"1 %": 0.8, "50 %": 0.5}


def spoiled(events: Events, share: float) -> Events:
    """The events with `share` of them made bad, evenly spread."""
    made, owed = [], 0.0
    for number, (user, value) in enumerate(events):
        owed += share
        made.append((user, bad(value, number % 10) if owed >= 1.0 else value))
        owed %= 1.0
    return made


def bad(value: bytes, kind: int) -> bytes:
    """A good event made bad in one of ten ways."""
    event = msgspec.json.decode(value)
    changes: list[dict[str, Any]] = [
        {"user_id": ""}, {"item_id": 7}, {"type": "ogle"}, {"timestamp": 0}, {"timestamp": "now"}, {"item_id": "a\nb"},
    ]  # fmt: skip
    if kind < len(changes):
        return msgspec.json.encode({**event, **changes[kind]})
    return [value[:-2], value + b"x", b"\xff" + value, b"null" + b" " * (len(value) - 4)][kind - len(changes)]


def through(bootstrap: str, redis: str, topics: Topics, events: int) -> float:
    """Events a second, good or bad, of a worker that finds them waiting."""
    client: Any = connect(redis)
    keys = Keys(CLUSTER, topics.prefix)

    def done() -> int:
        heads = [decode_user_head(client.get(keys.users(p).head)) for p in range(topics.partitions)]
        return sum(head.applied + head.duplicates + head.dead_letters for head in heads)

    with worker(bootstrap, redis, topics.prefix):
        deadline = time.monotonic() + LIMIT_S
        first, began = 0, 0.0
        while (now := done()) < events:
            if now and not first:
                first, began = now, time.perf_counter()
            if time.monotonic() > deadline:
                raise SystemExit(f"{now} of {events} events after {LIMIT_S:g} s")
            time.sleep(POLL_S)
        rate = (events - first) / (time.perf_counter() - began)
    client.close()
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    events = [(event["user_id"], msgspec.json.encode(event)) for event in islice(interactions(), options.events)]
    logs = {name: spoiled(events, share) for name, share in SHARES.items()}
    direct(events[:1_000])  # loads the compiled kernels
    rates: dict[str, dict[str, list[float]]] = {way: {name: [] for name in SHARES} for way in ("direct", "worker")}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-")))
        kafka = stack.enter_context(KafkaBroker(folder / "kafka"))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        for turn in range(options.rounds):
            for name in list(SHARES)[:: 1 if turn % 2 == 0 else -1]:
                rates["direct"][name].append(direct(logs[name]))
                topics = Topics(prefix=f"bad{turn}{list(SHARES).index(name)}-")
                asyncio.run(create_topics(kafka.bootstrap, topics))
                asyncio.run(produce(kafka.bootstrap, topics, logs[name], 1))
                rates["worker"][name].append(through(kafka.bootstrap, redis.url, topics, len(events)))
    report: dict[str, Any] = {}
    for way, found in rates.items():
        middle = {name: statistics.median(each) for name, each in found.items()}
        report[way] = {
            name: {"events_per_s": round(middle[name]), "of_clean": round(middle[name] / middle["clean"], 2)}
            for name in SHARES
        }
    rows = [
        (f"{way}, {name}", one["events_per_s"], one["of_clean"], FLOORS.get(name, ""))
        for way, found in report.items()
        for name, one in found.items()
    ]
    print_table(("events a second", "through", "of clean", "at least"), rows)
    met = all(found[name]["of_clean"] >= floor for found in report.values() for name, floor in FLOORS.items())
    print(
        json.dumps(
            {"benchmark": "bad_input", "events": len(events), **report, "met": met, "load_average": load_average()}
        )
    )


if __name__ == "__main__":
    main()
