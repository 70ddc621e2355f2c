"""Background load: real ratings at a fixed rate, whatever the system does (open loop), from a process of its own.

    python -m benchmarks.load BOOTSTRAP [--rate 500] [--items 2000] [--together 1]

Plays MovieTweetings' ratings of the first films, dated now, each to its user's partition. With `--together N` up to N
ratings of a partition are one record, an envelope, that waits at most 50 ms to be filled. All but the end of an event's
id and its time is encoded before the clock starts. Runs until SIGTERM and then prints one JSON line: how many were
sent, how late the latest of them left, and how much of a core it took.
"""

from __future__ import annotations

import argparse
import json
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Producer

from coldspring.dataset import interactions, items
from recommender.partitioning import partition_of

TOPIC = "interactions"
TICK_S = 0.01
WAIT_S = 0.05
"""How long an envelope waits for more ratings."""


class Rating(NamedTuple):
    """A rating in JSON but for the end of its id, which comes between the two parts, and its time, the last field."""

    user_id: str
    begin: bytes
    end: bytes

    @classmethod
    def of(cls, event: dict[str, Any]) -> Rating:
        """Split an event's JSON."""
        rest = {name: value for name, value in event.items() if name not in {"event_id", "timestamp"}}
        begin = b'{"event_id":"%s-' % event["event_id"].encode()
        return cls(event["user_id"], begin, b'",' + msgspec.json.encode(rest)[1:-1])

    def now(self, mark: bytes) -> bytes:
        """The event, dated now; `mark` makes its id a new one."""
        return b'%s%s%s,"timestamp":%d}' % (self.begin, mark, self.end, 1000 * time.time())


def ratings(films: int) -> list[Rating]:
    """All ratings of the first `films` films, by time."""
    wanted = {film["item_id"] for film in islice(items(), films)}
    return [Rating.of(event) for event in interactions() if event["item_id"] in wanted]


def endless(rounds: list[Rating]) -> Iterator[tuple[str, bytes]]:
    """User and event, again and again; the events of each run and each round are new ones."""
    run = secrets.token_hex(3)
    for turn in count():
        mark = f"{run}-{turn}".encode()
        for rating in rounds:
            yield rating.user_id, rating.now(mark)


class Sender:
    """Sends events one by one, or together with others of their partition."""

    def __init__(self, bootstrap: str, together: int) -> None:
        # librdkafka's own default partitioner is another hash than the Java client's.
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5})
        self._together = together
        topics = self._producer.list_topics(TOPIC, timeout=10).topics
        self._waiting: list[list[bytes]] = [[] for _ in topics[TOPIC].partitions]
        self._flushed = time.monotonic()

    def send(self, user_id: str, event: bytes) -> None:
        """Send an event, or put it to its partition's others."""
        if self._together == 1:
            self._producer.produce(TOPIC, event, user_id)
            return
        partition = partition_of(user_id, len(self._waiting))
        self._waiting[partition].append(event)
        if len(self._waiting[partition]) == self._together:
            self._flush(partition)

    def poll(self) -> None:
        """Send what has waited for long enough; let the client do its work."""
        if time.monotonic() - self._flushed >= WAIT_S:
            self._flushed = time.monotonic()
            for partition in range(len(self._waiting)):
                self._flush(partition)
        self._producer.poll(0)

    def close(self) -> None:
        """Send all that waits."""
        for partition in range(len(self._waiting)):
            self._flush(partition)
        self._producer.flush(10)

    def _flush(self, partition: int) -> None:
        if waiting := self._waiting[partition]:
            self._producer.produce(TOPIC, b"[" + b",".join(waiting) + b"]", partition=partition)
            self._waiting[partition] = []


def play(bootstrap: str, rate: float, films: int, together: int, stop: threading.Event) -> dict[str, float]:
    """Send until `stop`; what is due is sent every 10 ms, late or not."""
    sender = Sender(bootstrap, together)
    events = endless(ratings(films))  # reads the data set, which must not count as lateness
    began, busy = time.monotonic(), time.process_time()
    sent, latest = 0, 0.0
    while not stop.is_set():
        due = int((time.monotonic() - began) * rate)
        latest = max(latest, (due - sent) / rate)
        for user_id, event in islice(events, due - sent):
            sender.send(user_id, event)
        sent = due
        sender.poll()
        time.sleep(TICK_S)
    sender.close()
    took, busy = time.monotonic() - began, time.process_time() - busy
    per_s, cores = round(sent / took, 1), round(busy / took, 3)
    return {"sent": sent, "per_s": per_s, "latest_ms": round(1000 * latest, 1), "cores": cores}


@contextmanager
def background(bootstrap: str, rate: float, films: int, together: int = 1) -> Iterator[dict[str, Any]]:
    """Load from another process while the block runs; afterwards the dict has what was sent."""
    command = [sys.executable, "-m", "benchmarks.load", bootstrap, "--rate", str(rate), "--items", str(films)]
    process = subprocess.Popen([*command, "--together", str(together)], stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = {}
    try:
        yield told
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=20)
        told.update(json.loads(out or "{}"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Ratings at a fixed rate, until SIGTERM.")
    parser.add_argument("bootstrap")
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--together", type=int, default=1, help="so many ratings of a partition are one record at most")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(json.dumps(play(options.bootstrap, options.rate, options.items, options.together, stop)))


if __name__ == "__main__":
    main()
