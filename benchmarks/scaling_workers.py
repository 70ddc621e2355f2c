"""One or more click workers over the same waiting log: how long they take, and what each process takes of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from benchmarks.ingest import CLUSTER, LIMIT_S, POLL_S, produce
from benchmarks.processes import used
from recommender.head import decode_user_head
from recommender.keys import Keys
from recommender.topics import Topics
from streams.admin import create_topics
from streams.redis_store import connect
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.worker import WorkerProcess

Events = list[tuple[str, bytes]]
SESSION_S: Final = "60"
"""Longer than any stop: a worker that was stopped for a while is still in its group."""
SETTLED_S: Final = 1.0


@dataclass(slots=True)
class Learned:
    """All rounds of so many workers: events, wall seconds, and processor seconds by process."""

    events: int = 0
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    def us(self, name: str) -> float:
        """Microseconds of processor time an event; of all workers together for `worker`."""
        return 1e6 * self.cpu.get(name, 0.0) / max(1, self.events)

    def share(self, name: str) -> float:
        """Cores that a process takes meanwhile."""
        return self.cpu.get(name, 0.0) / self.seconds if self.seconds else 0.0


class Workers:
    """Plays rounds; `rounds` has what they took, by the number of workers."""

    def __init__(self, kafka: KafkaBroker, redis: RedisServer, first: Events, events: Events, envelope: int) -> None:
        self._kafka, self._redis = kafka, redis
        self._first, self._events, self._envelope = first, events, envelope
        self._turn = count()
        self._client: Any = connect(redis.url)
        self.rounds: dict[int, Learned] = {}

    def close(self) -> None:
        """Leave Redis."""
        self._client.close()

    def play(self, workers: int) -> float:
        """Events a second of a round."""
        topics = Topics(prefix=f"scale{next(self._turn)}-")
        asyncio.run(create_topics(self._kafka.bootstrap, topics))
        with self._started(topics, workers) as pids:
            self._until(lambda: self._owners(topics) == workers, f"{workers} workers do not share the partitions")
            self._produce(topics, self._first)
            self._until(lambda: self._applied(topics) == len(self._first), "the first events are not learned")
            self._signal(pids, signal.SIGSTOP)
            self._produce(topics, self._events)
            names = {"kafka": [self._kafka.pid], "redis": [self._redis.pid], "worker": pids}
            before = {name: used(those).cpu_s for name, those in names.items()}
            began = time.perf_counter()
            self._signal(pids, signal.SIGCONT)
            everything = len(self._first) + len(self._events)
            self._until(lambda: self._applied(topics) == everything, "the log is not learned")
            took = time.perf_counter() - began
            found = self.rounds.setdefault(workers, Learned())
            found.events += len(self._events)
            found.seconds += took
            for name, those in names.items():
                found.cpu[name] = found.cpu.get(name, 0.0) + used(those).cpu_s - before[name]
        return len(self._events) / took

    @contextmanager
    def _started(self, topics: Topics, workers: int) -> Iterator[list[int]]:
        with ExitStack() as stack:
            pids = []
            for _ in range(workers):
                process = WorkerProcess(
                    self._kafka.bootstrap, self._redis.url, CLUSTER, topics.prefix, COLDSPRING_SESSION=SESSION_S
                )
                stack.callback(process.close)
                process.start()
                pids.append(process.pid)
            yield pids

    def _produce(self, topics: Topics, events: Events) -> None:
        asyncio.run(produce(self._kafka.bootstrap, topics, events, self._envelope))

    def _applied(self, topics: Topics) -> int:
        heads = self._client.mget([self._keys(topics, p).head for p in range(topics.partitions)])
        return sum(decode_user_head(head).applied for head in heads)

    def _owners(self, topics: Topics) -> int:
        """How many workers own partitions, once each has as many as the others and that has stayed so for a while."""
        found = self._tokens(topics)
        if None in found or len(set(Counter(found).values())) > 1:
            return 0
        time.sleep(SETTLED_S)
        return len(set(found)) if self._tokens(topics) == found else 0

    def _tokens(self, topics: Topics) -> list[bytes | None]:
        return list(self._client.mget([self._keys(topics, p).owner for p in range(topics.partitions)]))

    def _keys(self, topics: Topics, partition: int) -> Any:
        return Keys(CLUSTER, topics.prefix).users(partition)

    def _signal(self, pids: Sequence[int], number: signal.Signals) -> None:
        for pid in pids:
            os.kill(pid, number)

    def _until(self, done: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not done():
            if time.monotonic() > deadline:
                raise SystemExit(f"{otherwise} after {LIMIT_S:g} s")
            time.sleep(POLL_S)
