"""A system on a Kafka and a Redis of its own, made to have one fault after the other while it is asked."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from coldspring import Client
from coldspring.errors import AnswerError
from tests.rig import questions, shelf
from tests.rig.kafka import KafkaBroker
from tests.rig.questions import KINDS, Questions
from tests.rig.redis_server import RedisServer
from tests.rig.system import RunningSystem, eventually

USERS = 6


class Place:
    """A system on a real Kafka and a real Redis of its own."""

    def __init__(self, folder: Path) -> None:
        self.kafka = KafkaBroker(folder / "kafka").start()
        self.redis = RedisServer(folder / "redis").start()
        chosen = (
            "--bootstrap",
            self.kafka.bootstrap,
            "--redis",
            self.redis.url,
            "--encoder",
            "hashing",
            "--session",
            "2",
        )
        self.system = RunningSystem(folder / "up", *chosen)
        self.known = questions.users(USERS)
        self.sent = 0

    def __enter__(self) -> Self:
        try:
            self.system.wait_until_ready()
            with Client(self.system.url) as client:
                client.items(shelf.items())
                client.events(questions.clicks(self.known))
                size = len(shelf.items())
                eventually(lambda: client.status().get("index_size", 0) >= size, seconds=90, every_s=0.2)
                eventually(lambda: self.learned(client), seconds=90, every_s=0.2)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything."""
        self.system.close()
        self.redis.kill()
        self.kafka.kill()

    def learn(self, client: Client, count: int = 20) -> None:
        """Others go on clicking."""
        events = [
            {"event_id": f"other {self.sent + n}", "user_id": f"other{n % 7}", "item_id": "dune", "type": "click"}
            for n in range(count)
        ]
        client.events(events)
        self.sent += count

    def learned(self, client: Client) -> bool:
        """Is everything learned that was sent, and says the system that it is current?"""
        try:
            told = client.recommend("reader0")
        except AnswerError:
            return False
        at = sum(told["position"]["interactions"])
        return bool(at == self.sent + USERS * questions.CLICKED and told["staleness_ms"] == 0)


def kill_worker(place: Place) -> None:
    os.kill(place.system.child("worker"), signal.SIGKILL)


def kill_store(place: Place) -> None:
    place.redis.kill()
    place.redis.start()


def empty_store(place: Place) -> None:
    with redis.Redis.from_url(place.redis.url) as client:
        client.flushall()


def kill_encoder(place: Place) -> None:
    os.kill(place.system.child("embedding"), signal.SIGKILL)


def restart_broker(place: Place) -> None:
    place.kafka.terminate()
    place.kafka.start()


FAULTS = [kill_worker, kill_encoder, kill_store, empty_store, restart_broker]


def go_through(place: Place, client: Client, asking: Questions, fault: Callable[[Place], None]) -> float:
    """A fault, then on until all that was sent is learned and every kind of question is answered again; its seconds."""
    right = asking.asked.right
    before = right.copy()
    eventually(lambda: right["list"] > before["list"] + USERS, seconds=60)
    began = time.monotonic()
    fault(place)
    eventually(lambda: sent(place, client), seconds=60, every_s=0.2)
    eventually(lambda: place.learned(client), seconds=90, every_s=0.2)
    after = right.copy()
    eventually(lambda: all(right[kind] > after[kind] for kind in KINDS), seconds=90)
    return time.monotonic() - began


def sent(place: Place, client: Client) -> bool:
    try:
        place.learn(client)
    except AnswerError:
        return False
    return True
