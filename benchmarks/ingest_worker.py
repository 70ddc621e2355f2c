"""A click worker that finds its events waiting: how fast it learns them, and what it takes for it.

For `benchmarks.ingest` and `benchmarks.bad_input`. The clock runs from the moment at which every partition has written
once to the last event. By the first write of all, the worker has folded a batch of each other partition too (thousands
of events, in envelopes); from there on it would look faster than it is.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

from benchmarks.processes import family, pin, used
from recommender.head import decode_user_head
from recommender.keys import Keys
from recommender.topics import Topics
from streams.redis_store import connect
from tests.rig.worker import WorkerProcess

CLUSTER = "bench"
POLL_S = 0.005
LIMIT_S = 120.0


class Learned(msgspec.Struct, frozen=True):
    """Events after the first writes, their seconds and core-seconds, and the memory at the end."""

    events: int
    first: int
    seconds: float
    cpu_s: float
    rss: int

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def core_s_per_million(self) -> float:
        """Core-seconds of the process for a million events."""
        return 1e6 * self.cpu_s / self.events


@contextmanager
def worker(
    bootstrap: str, redis: str, prefix: str, cluster: str = CLUSTER, cores: Collection[int] = ()
) -> Iterator[WorkerProcess]:
    """A click worker while the block runs; it leaves nothing in the folder it was started in."""
    with tempfile.TemporaryDirectory(prefix="coldspring-bench-") as folder:
        # Faust makes a folder for tables, of which there are none.
        process = WorkerProcess(bootstrap, redis, cluster, prefix, COLDSPRING_DATA=folder, APP_DATADIR=folder)
        process.start()
        try:
            if cores:
                pin(process.pid, cores)
            yield process
            # A member that is killed keeps its partitions from the next one until its session is over.
            with suppress(subprocess.TimeoutExpired):
                process.terminate()
        finally:
            process.close()


def learned(
    bootstrap: str, redis: str, topics: Topics, events: int, cluster: str = CLUSTER, cores: Collection[int] = ()
) -> Learned:
    """Start a worker whose state is empty, and watch Redis until all events are there.

    Raises
    ------
    SystemExit: when they are not within `LIMIT_S`, or are so few that the first writes held all of them.
    """
    client: Any = connect(redis)
    keys = Keys(cluster, topics.prefix)
    heads = [keys.users(partition).head for partition in range(topics.partitions)]

    def applied() -> list[int]:
        return [decode_user_head(head).applied for head in client.mget(heads)]

    with worker(bootstrap, redis, topics.prefix, cluster, cores) as process:
        deadline = time.monotonic() + LIMIT_S
        first, began, cpu_s = 0, 0.0, 0.0
        while (now := sum(parts := applied())) < events:
            if all(parts) and not first:
                first, began, cpu_s = now, time.perf_counter(), used(pids(process)).cpu_s
            if time.monotonic() > deadline or not process.running:
                raise SystemExit(f"{now} of {events} events after {LIMIT_S:g} s:\n{process.log_tail()}")
            time.sleep(POLL_S)
        took, after = time.perf_counter() - began, used(pids(process))
    client.close()
    if not first:
        raise SystemExit(f"each partition wrote its share of {events} events at once: take more of them")
    return Learned(events - first, first, took, after.cpu_s - cpu_s, after.rss)


def pids(process: WorkerProcess) -> list[int]:
    """The worker's process and any that it started."""
    return [each.pid for each in family(process.pid)]
