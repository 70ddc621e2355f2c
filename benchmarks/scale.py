"""Scale-out: events a second of one and of two click workers, lists a second of one and of two serving processes.

    python -m benchmarks.scale [--events 60000] [--envelope 1] [--rounds 2] [--list-rounds 3]

Real Kafka and Redis. Workers: they start on an empty log, share its four partitions and learn some first events; then
they are stopped (SIGSTOP), the real ratings are put into Kafka, and they go on together (SIGCONT): from then until all
is in the state the clock runs. One worker and two take turns, each time under a new prefix. Serving: two processes over
the same made-up site (`filling`); the one, or both, are asked for lists by eight askers each, from a process of its
own, by turns.

On a machine with two cores two workers, Kafka and Redis take the same two cores: the speed-up told here is what is left
of it. So the processor time an event of each process is told too, and from it where each comes to its end: a worker has
one thread for its fold, Redis one for commands, and Kafka takes what cores it gets.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.filling import fill
from benchmarks.ingest import CLUSTER
from benchmarks.report import Figure, alternating, medians, tell
from benchmarks.restarting import started
from benchmarks.scaling_lists import Listed, Lists
from benchmarks.scaling_workers import Learned, Workers
from coldspring.dataset import interactions
from recommender.topics import Topics
from streams.admin import create_topics
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer

NAME: Final = "scale"
FIRST: Final = 2_000
"""Events that are learned before the clock runs."""
PROCESSES: Final = (1, 2)
GRAPH_S: Final = 20.0


def learn(
    kafka: KafkaBroker, redis: RedisServer, options: argparse.Namespace
) -> tuple[dict[str, float], dict[int, Learned]]:
    """Events a second (medians) and what the processes took, by the number of workers."""
    wanted = islice(interactions(), FIRST + options.events)
    events = [(event["user_id"], msgspec.json.encode(event)) for event in wanted]
    workers = Workers(kafka, redis, events[:FIRST], events[FIRST:], options.envelope)
    try:
        ways = {str(n): partial(workers.play, n) for n in PROCESSES}
        return medians(alternating(ways, options.rounds)), workers.rounds
    finally:
        workers.close()


def ask(
    kafka: KafkaBroker, redis: RedisServer, folder: Path, options: argparse.Namespace
) -> tuple[dict[str, float], dict[int, Listed]]:
    """Lists a second (medians) and what the processes took, by the number of serving processes."""
    topics = Topics(prefix="lists-")
    asyncio.run(create_topics(kafka.bootstrap, topics))
    fill(kafka.bootstrap, redis.url, CLUSTER, topics, options.users, options.items, 5.0, options.users)
    with ExitStack() as stack:
        # Each has a folder of its own: two cannot keep one snapshot.
        serving = [
            stack.enter_context(started(kafka, redis, topics, folder / f"serving{n}")) for n in range(max(PROCESSES))
        ]
        for one in serving:
            one.wait_ready()
            one.wait_index(options.items, GRAPH_S)
        lists = Lists({one.url: one.pid for one in serving}, redis.pid, options.users, options.seconds)
        ways = {str(n): partial(lists.play, n) for n in PROCESSES}
        for way in ways.values():
            way()  # caches of rows fill
        lists.rounds.clear()
        return medians(alternating(ways, options.list_rounds)), lists.rounds


def figures(
    events: Mapping[str, float], learned: Mapping[int, Learned], lists: Mapping[str, float], asked: Mapping[int, Listed]
) -> list[Figure]:
    """Rates, speed-ups, and the model of where it ends, from what one process took."""
    one, cores = learned[1], len(os.sched_getaffinity(0))
    found = [Figure(f"{n} click worker(s)", events[str(n)], "events/s", "at least") for n in PROCESSES]
    found.append(Figure("speed-up of two workers", events["2"] / events["1"], "", "at least", against=f"{cores} cores"))
    for name in ("worker", "redis", "kafka"):
        by_two = f"{learned[2].us(name):.1f} with two workers"
        found.append(Figure(f"{name}, an event", one.us(name), "us", against=by_two))
    for name in ("worker", "redis", "kafka"):
        cores_taken = (
            f"takes {one.share(name):.2f} of a core beside one worker, {learned[2].share(name):.2f} beside two"
        )
        found.append(
            Figure(f"a core of {name}", 1e6 / max(1e-9, one.us(name)), "events/s", "at least", against=cores_taken)
        )
    everything = sum(one.us(name) for name in ("worker", "redis", "kafka"))
    found.append(Figure("Redis' share of an event", 100 * one.us("redis") / everything, "%"))
    found.append(
        Figure("workers that one Redis can feed", one.us("worker") / max(1e-9, one.us("redis")), "", "at least")
    )
    found += [Figure(f"{n} serving process(es)", lists[str(n)], "lists/s", "at least") for n in PROCESSES]
    found.append(Figure("speed-up of two serving", lists["2"] / lists["1"], "", "at least", against=f"{cores} cores"))
    for name in ("serving", "redis", "asking"):
        by_two = f"{asked[2].ms(name):.2f} with two"
        found.append(Figure(f"{name}, a list", asked[1].ms(name), "ms", against=by_two))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--envelope", type=int, default=1, help="events in a record")
    parser.add_argument("--rounds", type=int, default=2, help="of workers")
    parser.add_argument("--users", type=int, default=5_000, help="of the made-up site")
    parser.add_argument("--items", type=int, default=2_000, help="of the made-up site")
    parser.add_argument("--list-rounds", type=int, default=3, help="of serving")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a round of serving")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-")))
        kafka = stack.enter_context(KafkaBroker(folder / "kafka"))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        events, learned = learn(kafka, redis, options)
        lists, asked = ask(kafka, redis, folder, options)
    details: dict[str, Any] = {
        "learned": {n: asdict(one) for n, one in learned.items()},
        "asked": {n: asdict(one) for n, one in asked.items()},
        "options": vars(options),
    }
    tell(NAME, figures(events, learned, lists, asked), details)


if __name__ == "__main__":
    main()
