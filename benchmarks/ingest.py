"""Events a second that one click worker learns, beside a floor and beside what one would write without Coldspring.

    python -m benchmarks.ingest [--events 100000] [--rounds 5] [--peer-rounds 3] [--no-pin]

Real ratings wait in a real Kafka before a process starts to read them: in envelopes of 100 (one record holds a hundred
events) and as singles. All ways read the same records and take turns in one run; the median round counts. Each clock
runs from the end of a first portion (a write of each partition, a fetch, an event) to the last event, without what the
first portion held: starts, joins and first fetches are no part of it.

worker         a click worker process: decode, check, deduplicate, learn, examples to Kafka, state to a real Redis
floor          a bare aiokafka `getmany` and msgspec into a plain struct (`ingest_floors`)
plain Faust    an agent that decodes JSON and counts, singles only (`plain_faust`)
naive Faust    an agent with a Table and River's BiasedMF, singles only, over fewer events (`naive_faust`)
direct         the worker's fold alone, in this process and without broker and store

Broker, Redis and this process run on core 0, the process that is measured on core 1. A round's worker begins with an
empty state: another cluster id, so other keys. Core-seconds are those of the worker process over the same events.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.ingest_log import Events, direct, produce
from benchmarks.ingest_worker import CLUSTER, LIMIT_S, POLL_S, Learned, learned, worker
from benchmarks.peers import peer
from benchmarks.processes import pin
from benchmarks.report import Figure, alternating, medians, number, tell
from coldspring.dataset import interactions
from recommender.topics import Topics
from streams.admin import create_topics
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer

__all__ = ["CLUSTER", "LIMIT_S", "POLL_S", "Events", "direct", "produce", "worker"]

ENVELOPE = 100
SIZES = {"envelopes": ENVELOPE, "singles": 1}
PASSES = {"envelopes": "4", "singles": "1"}
"""So many times the floor reads everything, for a clock that runs long enough."""


class Bench:
    """Kafka with its records, Redis, and the ways to read; each gives events a second.

    Parameters
    ----------
    cores: of the process that is measured; none: wherever it likes.
    """

    def __init__(self, stack: ExitStack, events: Events, cores: Sequence[int]) -> None:
        self.events, self.cores = events, cores
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-")))
        self._kafka = stack.enter_context(KafkaBroker(self._folder / "kafka"))
        self._redis = stack.enter_context(RedisServer(self._folder / "redis"))
        self.topics = {name: Topics(prefix=f"{name}-") for name in SIZES}
        self.seen: dict[str, list[Learned]] = {name: [] for name in SIZES}
        for name, size in SIZES.items():
            asyncio.run(create_topics(self._kafka.bootstrap, self.topics[name]))
            asyncio.run(produce(self._kafka.bootstrap, self.topics[name], events, size))

    def worker(self, name: str) -> float:
        """A click worker."""
        seen = self.seen[name]
        cluster = f"{CLUSTER}{len(seen)}"
        where = self._kafka.bootstrap, self._redis.url, self.topics[name]
        seen.append(learned(*where, len(self.events), cluster, self.cores))
        return seen[-1].rate

    def peer(self, program: str, name: str, events: int, *more: str) -> float:
        """Another program."""
        topics, log = self.topics[name], self._folder / f"{program}.log"
        arguments = self._kafka.bootstrap, topics.interactions, topics.partitions, events, *more
        return peer(program, arguments, self.cores, log, LIMIT_S).rate


def figures(bench: Bench, found: Mapping[str, Sequence[float]]) -> list[Figure]:
    """What was measured, beside its bounds."""
    middle = medians(found)
    told: list[Figure] = []
    for name, bound, goal in (("envelopes", 50e3, 100e3), ("singles", 40e3, 60e3)):
        rate, floor = middle[f"{name}: worker"], middle[f"{name}: floor"]
        against = f"aiokafka and msgspec {number(floor)}/s"
        told.append(Figure(f"{name}, worker", rate, "events/s", "at least", bound, goal, against))
        # Of singles the floor is told, and the bound is the one against plain Faust.
        low, wish = (0.2, 0.3) if name == "envelopes" else (None, None)
        told.append(Figure(f"{name}, worker / floor", rate / floor, "times", "at least", low, wish, against))
    plain, naive = middle["singles: plain Faust"], middle["singles: naive Faust"]
    singles, envelopes = middle["singles: worker"], middle["envelopes: worker"]
    says = f"naive Faust with River {number(naive)}/s"
    told += [
        Figure("envelopes, worker / naive Faust", envelopes / naive, "times", "at least", 20.0, against=says),
        Figure("singles, worker / naive Faust", singles / naive, "times", "at least", against=says),
        Figure("singles, worker / plain Faust", singles / plain, "times", "at least", 4.0, 6.0,
               f"Faust that counts {number(plain)}/s"),
        Figure("direct, the fold alone", middle["direct"], "events/s", "at least"),
    ]  # fmt: skip
    for name, seen in bench.seen.items():
        cores = median(one.core_s_per_million for one in seen)
        told.append(Figure(f"{name}, core-seconds of the worker", cores, "s/million"))
        told.append(Figure(f"{name}, memory of the worker", median(one.rss for one in seen) / 2**20, "MiB"))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5, help="of the worker and the floor")
    parser.add_argument("--peer-rounds", type=int, default=3, help="of the Faust programs, from 1 to --rounds")
    parser.add_argument("--plain-events", type=int, default=40_000, help="of plain Faust")
    parser.add_argument("--naive-events", type=int, default=8_000, help="of naive Faust")
    parser.add_argument("--no-pin", action="store_true", help="leave all processes to the kernel")
    options = parser.parse_args()
    apart = not options.no_pin and (os.cpu_count() or 1) > 1
    events = [(event["user_id"], msgspec.json.encode(event)) for event in islice(interactions(), options.events)]
    everywhere = os.sched_getaffinity(0)
    if apart:
        pin(os.getpid(), [0])  # what is started from here on stays there too, unless it is told otherwise
    direct(events[:1_000])  # loads the compiled kernels
    with ExitStack() as stack:
        bench = Bench(stack, events, [1] if apart else [])
        ways: dict[str, Callable[[], float]] = {"direct": partial(direct, events)}
        for name in SIZES:
            ways[f"{name}: worker"] = partial(bench.worker, name)
            ways[f"{name}: floor"] = partial(bench.peer, "ingest_floors", name, len(events), "--passes", PASSES[name])
        peers: dict[str, Callable[[], float]] = {}
        for title, program, most in (
            ("plain", "plain_faust", "plain_events"),
            ("naive", "naive_faust", "naive_events"),
        ):
            count = min(getattr(options, most), len(events))
            peers[f"singles: {title} Faust"] = partial(bench.peer, program, "singles", count)
        found = alternating(ways | peers, min(options.peer_rounds, options.rounds))
        for name, rates in alternating(ways, max(0, options.rounds - options.peer_rounds)).items():
            found[name] += rates
    details = {
        "events": len(events), "envelope": ENVELOPE, "pinned": apart,
        "rounds": {name: [round(rate) for rate in rates] for name, rates in found.items()},
        "worker": {name: [msgspec.to_builtins(one) for one in seen] for name, seen in bench.seen.items()},
    }  # fmt: skip
    pin(os.getpid(), everywhere)  # the report names the machine by the cores that this process has
    tell("ingest", figures(bench, found), details)


if __name__ == "__main__":
    main()
