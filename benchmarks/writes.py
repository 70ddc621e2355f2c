"""What the click worker's writes to Redis cost: time a key beside pipelined SET, and bytes an event.

    python -m benchmarks.writes [--events 4000] [--warm 12000] [--rounds 5] [--no-pin]

The MovieTweetings ratings of one partition of four are folded through `UserShard` against a real Redis; of each batch
`commit` alone is timed: the guarded write, Redis and client together. The first `--warm` events fill the state and are
not measured. The floor writes the same batches as SETs of as many keys with values of the same sizes, in one pipeline a
batch without a transaction, on the same Redis and by turns. A key is a row of a user, an item's counts or neighbours, a
name, a chunk of ids, the head, or the entry in the changes: each is a key of the floor.

Batches: while records come, a fetch waits 16 ms for company (docs/decisions/0015-batches-by-waiting.md), so a partition
writes `rate * 0.016 / 4` events at once, at least one; a worker that has to catch up writes 8,000.

Bytes are those of all keys, fields and values of the write. Beside them: what Redis' append-only file grew by, with its
protocol. Rows are written whole, not as deltas (docs/decisions/0005-whole-rows.md). What is not in it: the views that
are written after the commit (interest vectors, traces), and the small reads of the guard.

Redis runs on core 0, this process on core 1.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import pin
from benchmarks.report import Figure, alternating, medians, number, tell
from benchmarks.write_parts import Content, bytes_by_part
from benchmarks.write_ways import Ways
from recommender.topics import Topics
from streams.transport import BUSY_FETCH_WAIT_MS
from tests.rig.redis_server import RedisServer

RATES = (100, 1_000, 10_000)
BACKLOG = 8_000
TYPICAL = 40
"""Events in a write, from which on the time a key has a bound."""
BOUND_US = 3.0
GOAL_BYTES = 1_000


def batch_at(rate: float, partitions: int) -> int:
    """How many events one write of one partition holds at so many events a second.

    >>> [batch_at(rate, 4) for rate in (100, 1_000, 10_000)]
    [1, 4, 40]
    """
    return max(1, round(rate * BUSY_FETCH_WAIT_MS / 1000 / partitions))


def figures(
    ways: Ways, sizes: Mapping[str, int], contents: Mapping[str, list[Content]], middle: Mapping[str, float]
) -> list[Figure]:
    """Time a key and bytes an event at each size of batches."""
    times, sent = [], []
    for name, size in sizes.items():
        title = f"{name}, batches of {size:,}"
        # The two round trips of a guarded write fall on few keys where batches are small: there it is only told.
        bound = BOUND_US if size >= TYPICAL else None
        against = f"pipelined SET {number(middle[f'{name}: SET'])} us/key"
        times.append(Figure(f"write, {title}", middle[f"{name}: write"], "us/key", bound=bound, against=against))
        parts = bytes_by_part(contents[name])
        total = sum(parts.values())
        rows = f"{parts['neighbour rows'] / total:.0%} of it neighbour rows"
        says = f"goal {number(GOAL_BYTES)}; {rows}, {parts['user rows'] / total:.0%} user rows"
        sent.append(Figure(f"bytes, {title}", total / ways.events, "bytes/event", goal=GOAL_BYTES, against=says))
    return times + sent


def details(
    ways: Ways, sizes: Mapping[str, int], contents: Mapping[str, list[Content]], found: Mapping[str, list[float]]
) -> dict[str, Any]:
    """What lies behind the figures: by size of batches, and the rounds."""
    told: dict[str, Any] = {"rows": "whole", "events": ways.events}
    for name, size in sizes.items():
        writes = contents[name]
        seen = ways.seen[size]
        told[name] = {
            "events_a_write": size,
            "keys_a_write": sum(len(each.sizes) for each in writes) / len(writes),
            **{key: median(one[key] for one in seen) for key in seen[0]},
            "bytes_an_event": {part: round(total / ways.events, 1) for part, total in bytes_by_part(writes).items()},
        }
    return told | {"rounds": dict(found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=4_000, help="measured, of one partition")
    parser.add_argument("--warm", type=int, default=12_000, help="before them, of one partition")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-pin", action="store_true", help="leave both processes to the kernel")
    options = parser.parse_args()
    apart = not options.no_pin and (os.cpu_count() or 1) > 1
    topics = Topics()
    sizes = {f"{rate:,} events/s": batch_at(rate, topics.partitions) for rate in RATES} | {"catching up": BACKLOG}
    everywhere = os.sched_getaffinity(0)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-")))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        if apart:
            pin(os.getpid(), [1])
            pin(redis.pid, [0])
        bench = Ways(redis, topics, options.warm, options.events)
        contents = {name: bench.contents(size) for name, size in sizes.items()}
        ways: dict[str, Callable[[], float]] = {}
        for name, size in sizes.items():
            ways[f"{name}: write"] = partial(bench.guarded, size)
            ways[f"{name}: SET"] = partial(bench.floor, size)
        found = alternating(ways, options.rounds)
    pin(os.getpid(), everywhere)  # the report names the machine by the cores that this process has
    tell("writes", figures(bench, sizes, contents, medians(found)), details(bench, sizes, contents, found))


if __name__ == "__main__":
    main()
