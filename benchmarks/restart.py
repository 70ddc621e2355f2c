"""A large site stopped and started again: how long until it answers, and what its state takes.

    python -m benchmarks.restart [--users 1000000] [--items 100000] [--starts 3]

Real Kafka and Redis, filled by the workers' own code (`filling`): each user has an event at least, 10,000 users have
interest vectors, and the folder of serving holds the snapshot of the index that it saves once a minute. Then serving is
started, learns the index, gives the list of a known user, and is killed (-9) and started again, several times: the
clock runs from the start of the process to the first answer to /readyz, and on until that user's list is right: of its
ten items nine are those from before the kill. Redis and Kafka run on meanwhile; at the end Redis is ended and started
too, which loads its files. The click worker is timed from its start to the first new event in the state, with nobody of
its group before it, and after a kill (-9), when Kafka waits six seconds for the dead one.

Memory is the proportional share (PSS). What an item takes of serving is the difference to serving an empty site, over
the items, with the graph of the index as far as it got within --graph seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.filling import Filled, fill
from benchmarks.ingest import CLUSTER
from benchmarks.processes import proportional
from benchmarks.report import Figure, tell
from benchmarks.restarting import first_event, restarted_redis, started
from benchmarks.stored_bytes import Stored, stored
from recommender.keys import Keys
from recommender.topics import Topics
from streams.admin import create_topics
from streams.redis_store import connect
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer

NAME: Final = "restart"
BOUND_S: Final = 10.0
KNOWN: Final = "u0"
INTERESTS: Final = 10_000
SLOW_S: Final = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--events", type=float, default=1.2, help="events a user")
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--graph", type=float, default=60.0, help="seconds that the index may take for its graph")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-")))
        kafka = stack.enter_context(KafkaBroker(folder / "kafka"))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        told = measure(kafka, redis, folder, options)
    figures, details = told
    tell(NAME, figures, details)


def measure(
    kafka: KafkaBroker, redis: RedisServer, folder: Path, options: argparse.Namespace
) -> tuple[list[Figure], dict[str, Any]]:
    empty, full = Topics(prefix="empty-"), Topics(prefix="full-")
    for topics in (empty, full):
        asyncio.run(create_topics(kafka.bootstrap, topics))
    with started(kafka, redis, empty, folder) as serving:
        serving.wait_ready()
        base = proportional(serving.pid)
    began = time.monotonic()
    filled = fill(
        kafka.bootstrap, redis.url, CLUSTER, full, options.users, options.items, options.events,
        interests=min(INTERESTS, options.users),
        index=folder / "data" / "state" / f"{CLUSTER}.{full.prefix}" / "index",
    )  # fmt: skip
    fill_s = time.monotonic() - began
    client: Any = connect(redis.url, timeout_s=SLOW_S)  # MEMORY USAGE looks at every field
    held = stored(client, Keys(CLUSTER, full.prefix), full)
    client.close()
    with started(kafka, redis, full, folder) as serving:
        serving.wait_ready()
        at_once = proportional(serving.pid)
        waiting = serving.wait_index(options.items, options.graph)
        before = serving.listed(KNOWN)
        whole = proportional(serving.pid)
        serving.kill()
    ready, right, same = [], [], []
    for _ in range(options.starts):
        with started(kafka, redis, full, folder) as serving:
            ready.append(serving.wait_ready())
            took, common = serving.wait_list(KNOWN, before)
            right.append(took)
            same.append(common)
            serving.kill()
    fresh, killed = first_event(kafka, redis, full, folder)
    memory = {"empty": base, "ready": at_once, "whole": whole, "graph_waiting": waiting}
    details = {
        "filled": asdict(filled), "fill_s": round(fill_s, 1), "stored": asdict(held), "memory": memory,
        "ready_s": ready, "right_s": right, "same_of_ten_at_once": same,
    }  # fmt: skip
    times = {"ready": ready, "right": right, "fresh": [fresh], "killed": [killed], "redis": [restarted_redis(redis)]}
    return figures(filled, held, times, memory), details


def figures(filled: Filled, held: Stored, times: dict[str, list[float]], memory: dict[str, int]) -> list[Figure]:
    site = f"{filled.users:,} users, {filled.items:,} items"
    middle = {name: statistics.median(values) for name, values in times.items()}
    most = f"most {max(times['right']):.1f} s"
    mib, an_item = 2**20, (memory["whole"] - memory["empty"]) / filled.items
    rows = held.bytes["interests"] / max(1, held.interests)
    return [
        Figure("serving, to ready", middle["ready"], "s", bound=BOUND_S, against=site),
        Figure("serving, to a right list", middle["right"], "s", bound=BOUND_S, against=most),
        Figure("worker, to a new event", middle["fresh"], "s"),
        Figure("worker killed, to a new event", middle["killed"], "s", against="session of 6 s"),
        Figure("Redis, to its data loaded", middle["redis"], "s"),
        Figure("serving when ready", memory["ready"] / mib, "MiB", against=f"empty {memory['empty'] / mib:.0f}"),
        Figure("serving with its graph", memory["whole"] / mib, "MiB", against=f"{memory['graph_waiting']:,} wait"),
        Figure("an item in serving", an_item, "bytes"),
        Figure("a user in Redis", (held.bytes["users"] + held.bytes["queue"]) / held.users, "bytes",
               against=f"{filled.events / filled.users:.1f} events each"),
        Figure("interests of a user in Redis", rows, "bytes", against=f"{held.interests:,} users"),
        Figure("an item in Redis", held.an_item, "bytes", against="but for its vector"),
        Figure("a vector in Redis", held.a_vector, "bytes"),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
