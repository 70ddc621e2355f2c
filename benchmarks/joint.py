"""Events a second, one by one, that the worker and the trainer learn together on two cores; beside the worker alone.

    python -m benchmarks.joint [--events 100000] [--rounds 3] [--lessons 0.25]

Real ratings lie in a real Kafka, each a record, before the processes start; the worker learns them into a real Redis
and hands all of them on as examples. The trainer counts each of them, tests a quarter and learns its weights from
`--lessons` of them: the share that costs no hit rate (`python -m benchmarks.lessons`). The clock runs from the first
applied event until both have learned the last one. The trainer tells how far it is every two seconds; its end is
reckoned from its last tellings. Core-seconds and memory are of each process, in the same stretch.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.ingest import CLUSTER, produce
from benchmarks.processes import used
from benchmarks.report import Figure, medians, tell
from coldspring.dataset import interactions
from recommender.head import decode_user_head
from recommender.keys import Keys
from recommender.topics import Topics
from streams.admin import create_topics
from streams.redis_store import connect
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.worker import WorkerProcess

POLL_S = 0.01
LIMIT_S = 180.0


@dataclass(slots=True)
class Run:
    """One run: events a second, and what each process took for them."""

    per_s: float
    cpu_s: dict[str, float]
    rss: dict[str, int]


@dataclass(slots=True)
class Heard:
    """What the trainer told: (seconds, examples)."""

    told: list[tuple[float, int]] = field(default_factory=list)

    def hear(self, examples: int) -> None:
        if not self.told or self.told[-1][1] != examples:
            self.told.append((time.perf_counter(), examples))

    def end(self, events: int) -> float | None:
        """When it had learned them all, going on as fast as between its tellings before; None before it told so."""
        if not self.told or self.told[-1][1] < events:
            return None
        if len(self.told) < 3:
            return self.told[-1][0]
        (begin, less), (middle, more), (last, _) = self.told[-3:]
        return min(last, middle + (events - more) * (middle - begin) / max(1, more - less))


def run(kafka: KafkaBroker, redis: RedisServer, prefix: str, events: int, lessons: float | None) -> Run:
    """Learn what waits under this prefix, with a trainer or without."""
    topics, client = Topics(prefix=prefix), connect(redis.url)
    keys, heard = Keys(CLUSTER, prefix), Heard()
    store: Any = client
    roles = ("worker",) if lessons is None else ("worker", "trainer")
    settings = {"COLDSPRING_EXAMPLES": str(lessons or 0.0)}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-"))
        pids = {"Kafka": kafka.pid, "Redis": redis.pid}
        for role in roles:
            process = WorkerProcess(
                kafka.bootstrap, redis.url, CLUSTER, prefix, role, COLDSPRING_DATA=folder, **settings
            )
            stack.callback(process.close)
            process.start()
            pids[role] = process.pid
        applied, began, before, learned_at = 0, 0.0, {}, None
        ended: float | None = None
        deadline = time.monotonic() + LIMIT_S
        while ended is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"{applied} of {events} events, {heard.told[-1:]} examples after {LIMIT_S:g} s")
            time.sleep(POLL_S)
            if learned_at is None:
                now = sum(decode_user_head(store.get(keys.users(p).head)).applied for p in range(topics.partitions))
                if now and not began:
                    applied, began = now, time.perf_counter()
                    before = {name: used([pid]).cpu_s for name, pid in pids.items()}
                learned_at = time.perf_counter() if now >= events else None
            quality = store.get(keys.trainer("quality")) if "trainer" in roles else None
            if quality:
                heard.hear(int(msgspec.json.decode(quality)["examples"]))
            trained_at = heard.end(events) if "trainer" in roles else 0.0
            if learned_at is not None and trained_at is not None:
                ended = max(learned_at, trained_at)
        after = {name: used([pid]) for name, pid in pids.items()}
    client.close()
    return Run(
        (events - applied) / (ended - began),
        {name: one.cpu_s - before[name] for name, one in after.items()},
        {name: one.rss for name, one in after.items()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lessons", type=float, default=0.25)
    options = parser.parse_args()
    events = [(event["user_id"], msgspec.json.encode(event)) for event in islice(interactions(), options.events)]
    runs: dict[str, list[Run]] = {"both": [], "worker alone": []}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-")))
        kafka = stack.enter_context(KafkaBroker(folder / "kafka"))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        for turn in range(options.rounds):
            for name in list(runs)[:: 1 if turn % 2 == 0 else -1]:
                prefix = f"joint{turn}{len(name)}-"
                topics = Topics(prefix=prefix)
                asyncio.run(create_topics(kafka.bootstrap, topics))
                asyncio.run(produce(kafka.bootstrap, topics, events, 1))
                lessons = options.lessons if name == "both" else None
                runs[name].append(run(kafka, redis, prefix, len(events), lessons))
    rates = medians({name: [one.per_s for one in those] for name, those in runs.items()})
    middle = sorted(runs["both"], key=lambda one: one.per_s)[options.rounds // 2]
    million = 1e6 / len(events)
    tell(
        "joint",
        [
            Figure(
                "events by themselves, worker and trainer", rates["both"], "/s", "at least", goal=10_000.0,
                bound=10_000.0, against=f"the worker alone: {rates['worker alone']:,.0f} /s",
            ),
            *(Figure(f"{name}: core-seconds a million events", value * million, "s")
              for name, value in middle.cpu_s.items()),
            *(Figure(f"{name}: memory", value / 2**20, "MiB") for name, value in middle.rss.items()),
        ],
        {"rounds": {name: [round(one.per_s) for one in those] for name, those in runs.items()},
         "lessons": options.lessons},
    )  # fmt: skip


if __name__ == "__main__":
    main()
