"""New films one after another at fixed times, and what is known of the way of each."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import msgspec
from confluent_kafka import Producer

from benchmarks import catalogue
from benchmarks.catalogue import Object, Pair
from benchmarks.encoder_texts import announced

SAMPLE = 20
"""Each so many films, one comes from a pair and is asked for."""
LIMIT_S = 20.0


@dataclass(slots=True)
class Announced:
    """One new film; `twin` is the older film that it must be found by, where it is asked for."""

    film: Object
    twin: str = ""
    due: float = 0.0
    due_ms: float = 0.0
    asked_s: float | None = None
    life: dict[str, float] = field(default_factory=dict)

    @property
    def recommendable_s(self) -> float:
        """In the index and with its fields."""
        return max(self.life.get("arrived", LIMIT_S), self.life.get("indexed", LIMIT_S))


def plan(count: int) -> tuple[list[Announced], list[Pair]]:
    """The films in their order, and the pairs that every 20th comes from."""
    films = [Announced(film) for film in announced(count)]
    pairs = catalogue.pairs(len(films[::SAMPLE]))
    for one, pair in zip(films[::SAMPLE], pairs, strict=True):
        one.film, one.twin = pair.new, pair.known["item_id"]
    return films, pairs


def publish(bootstrap: str, films: list[Announced], began: threading.Event) -> float:
    """Send each at its time; how late the latest call was, s."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 0})
    producer.list_topics("items", timeout=10)  # connected before the clock runs
    began.wait()
    latest = 0.0
    for one in films:
        time.sleep(max(0.0, one.due - time.monotonic()))
        latest = max(latest, time.monotonic() - one.due)
        value = msgspec.json.encode({**one.film, "timestamp": int(one.due_ms)})
        producer.produce("items", value, one.film["item_id"])
        producer.poll(0)
    producer.flush(LIMIT_S)
    return latest
