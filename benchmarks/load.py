"""Background load: real ratings at a fixed rate, whatever the system does (open loop), from a process of its own.

    python -m benchmarks.load BOOTSTRAP [--rate 500] [--items 2000]

Plays MovieTweetings' ratings of the first films, dated now, each to its user's partition. Runs until SIGTERM and then
prints one JSON line: how many were sent and how late the latest of them left.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from typing import Any

import msgspec
from confluent_kafka import Producer

from coldspring.dataset import interactions, items

TICK_S = 0.01


def ratings(films: int) -> Iterator[dict[str, Any]]:
    """Ratings of the first `films` films, again and again; each round's events are new ones."""
    wanted = {film["item_id"] for film in islice(items(), films)}
    for turn in count():
        for event in interactions():
            if event["item_id"] in wanted:
                yield {**event, "event_id": f"{event['event_id']}-{turn}", "timestamp": int(1000 * time.time())}


def play(bootstrap: str, rate: float, films: int, stop: threading.Event) -> dict[str, float]:
    """Send until `stop`; what is due is sent every 10 ms, late or not."""
    # librdkafka's own default partitioner is another hash than the Java client's.
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5})
    events = ratings(films)
    first = next(events)  # reads the data set, which must not count as lateness
    began = time.monotonic()
    sent, latest = 0, 0.0
    while not stop.is_set():
        due = int((time.monotonic() - began) * rate)
        latest = max(latest, (due - sent) / rate)
        while sent < due:
            event = {**first, "event_id": f"load-{sent}"} if sent == 0 else next(events)
            producer.produce("interactions", msgspec.json.encode(event), event["user_id"])
            sent += 1
        producer.poll(0)
        time.sleep(TICK_S)
    producer.flush(10)
    took = time.monotonic() - began
    return {"sent": sent, "per_s": round(sent / took, 1), "latest_ms": round(1000 * latest, 1)}


@contextmanager
def background(bootstrap: str, rate: float, films: int) -> Iterator[dict[str, Any]]:
    """Load from another process while the block runs; afterwards the dict has what was sent."""
    command = [sys.executable, "-m", "benchmarks.load", bootstrap, "--rate", str(rate), "--items", str(films)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
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
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(json.dumps(play(options.bootstrap, options.rate, options.items, stop)))


if __name__ == "__main__":
    main()
