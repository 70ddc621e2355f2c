"""How long a look at an earlier state takes against the length of the log: ``python -m benchmarks.time_travel``.

For each length: the log written to an archive, a list as of the end folded from the first record, checkpoints written,
the same list from a checkpoint, and an item explained without one of the latest events, from the first record and from
checkpoints. The log is read from the archive; seconds are wall and, because a machine is shared, processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.figures import load_average, print_table
from coldspring.fixed_views import Fixed
from coldspring.past import make_shard, past, write_checkpoints
from coldspring.settings import Settings
from coldspring.time_travel import TimeTravel
from coldspring.wiring import topics
from recommender.events import Item
from recommender.partitioning import partition_of
from recommender.query import Query
from streams.archive import TOPICS, ArchiveLog
from streams.archive_writer import log_of, open_archive
from streams.batch import Batch
from streams.intake import LogRecord
from streams.log_source import LogSource
from streams.past import Past

PARTITIONS, ITEMS, USERS = 4, 5_000, 10_000
T = TypeVar("T")


class Made:
    """A log of clicks in memory: users at random, items by Zipf."""

    def __init__(self, length: int) -> None:
        rng = random.Random(1)
        weights = [1.0 / (rank + 1) ** 1.1 for rank in range(ITEMS)]
        items = rng.choices(range(ITEMS), weights, k=length)
        self._records: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        for n, item in enumerate(items):
            user = f"u{rng.randrange(USERS)}"
            body = {"event_id": f"e{n}", "user_id": user, "item_id": f"i{item}", "type": "click",
                    "timestamp": 1_700_000_000_000 + 1_000 * n}  # fmt: skip
            self._records[partition_of(user, PARTITIONS)].append(json.dumps(body).encode())

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        return (0, len(self._records[partition])) if topic == "interactions" else (0, 0)

    def read(self, topic: str, partition: int, begin: int, end: int) -> Iterator[Batch]:
        for at in range(begin, end, 5_000):
            until = min(at + 5_000, end)
            values = self._records[partition][at:until]
            records = [LogRecord(at + n, None, value) for n, value in enumerate(values)]
            yield Batch(topic, partition, at, until, records)

    def close(self) -> None:
        """Nothing is open."""


def timed(work: Callable[[], T]) -> tuple[T, str]:
    """What it gives, and "wall (processor)" seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    found = work()
    return found, f"{time.perf_counter() - wall:.2f} ({time.process_time() - processor:.2f})"


def measure(length: int, folder: Path) -> dict[str, Any]:
    """One length."""
    settings = Settings(partitions=PARTITIONS, data=folder)
    names = topics(settings)
    made = Made(length)
    told: dict[str, Any] = {"events": length}

    def archive() -> int:
        expected = log_of("bench", "", dict.fromkeys(TOPICS, PARTITIONS))
        with open_archive(folder / "archive", expected) as writer:
            return writer.add(made).bytes

    told["archive MB"], told["archive s"] = timed(archive)
    told["archive MB"] = round(told["archive MB"] / 1e6, 1)
    log: LogSource = ArchiveLog(folder / "archive")
    ends = [log.bounds("interactions", partition)[1] for partition in range(PARTITIONS)]
    fixed = Fixed([Item(f"i{n}", 1, title=f"Item {n}") for n in range(ITEMS)])

    def travel(with_checkpoints: bool) -> TimeTravel:
        here = past(settings, "bench", log) if with_checkpoints else Past(log, names, make_shard(settings))
        return TimeTravel(here, log, names, fixed)

    query = Query(user_id="u1")
    whole, told["as-of s"] = timed(lambda: asyncio.run(travel(False).recommend(ends, query)))
    event = f"e{length - length // 200}"
    item = whole["items"][0]["item_id"]
    full, told["what-if s"] = timed(lambda: asyncio.run(travel(False).without("u1", item, event, ends)))
    written, told["checkpoint s"] = timed(lambda: write_checkpoints(settings, "bench", log))
    told["checkpoint MB"] = round(sum(one["bytes"] for one in written) / 1e6, 1)
    near, told["as-of, checkpoint s"] = timed(lambda: asyncio.run(travel(True).recommend(ends, query)))
    edited, told["what-if, checkpoint s"] = timed(lambda: asyncio.run(travel(True).without("u1", item, event, ends)))
    assert near["items"] == whole["items"]
    assert (edited["before"], edited["after"]) == (full["before"], full["after"])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.time_travel", description=__doc__.splitlines()[0])
    parser.add_argument("lengths", nargs="*", type=int, default=[10_000, 100_000, 1_000_000], metavar="EVENTS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure(200, Path(scratch) / "warm")  # the kernels are loaded once
        found = [measure(length, Path(scratch) / str(length)) for length in options.lengths]
    print_table(
        ["", *(f"{one['events']:,}" for one in found)], [[name, *(one[name] for one in found)] for name in found[0]]
    )
    print(json.dumps({"benchmark": "time_travel", "lengths": found, "load_average": load_average()}))


if __name__ == "__main__":
    main()
