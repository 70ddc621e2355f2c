"""Serving, the click worker and Redis, each started and timed until it is of use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from confluent_kafka import Producer

from benchmarks.ingest import CLUSTER
from benchmarks.synthetic_log import click
from recommender.head import decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.ports import LOOPBACK, free_port
from streams.redis_store import connect
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.worker import WorkerProcess

LIMIT_S: Final = 120.0
POLL_S: Final = 0.02
N: Final = 10
RIGHT: Final = 9
"""So many of a list's ten items must be those of before: the newest half-life's popularity and the graph move one."""
NEW: Final = 10**9
"""Number of an event that the log does not hold."""


class Serving:
    """A serving process that was just started."""

    def __init__(self, process: WorkerProcess, address: str) -> None:
        self._process = process
        self._began = time.monotonic()
        self.url = f"http://{address}"
        self._http = httpx.Client(base_url=self.url, timeout=5.0, trust_env=False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        self._http.close()
        self._process.kill()

    def wait_ready(self) -> float:
        """Seconds from its start to /readyz."""
        self._until(lambda: self._get("/readyz") is not None)
        return time.monotonic() - self._began

    def listed(self, user: str) -> list[str]:
        """The items of a user's list; none while there is no answer."""
        answer = self._get(f"/v1/users/{user}/recommendations?n={N}") or {}
        return [one["item_id"] for one in answer.get("items", ())]

    def wait_list(self, user: str, before: Sequence[str]) -> tuple[float, int]:
        """Seconds from its start until the list is as it was; how many of the first one's items were."""
        counts: list[int] = []

        def right() -> bool:
            found = self.listed(user)
            counts.append(len(set(found) & set(before)))
            return len(found) == N and counts[-1] >= RIGHT

        self._until(right)
        return time.monotonic() - self._began, counts[0]

    def wait_index(self, items: int, limit_s: float) -> int:
        """Wait until the index holds all; then up to `limit_s` for its graph. How many still wait for that."""

        def status(name: str) -> int:
            return int((self._get("/v1/status") or {}).get(name, -1))

        self._until(lambda: status("index_size") == items)
        deadline = time.monotonic() + limit_s
        while status("index_waiting") > 0 and time.monotonic() < deadline:
            time.sleep(1.0)
        return status("index_waiting")

    def _get(self, path: str) -> dict[str, Any] | None:
        try:
            answer = self._http.get(path)
        except httpx.HTTPError:
            return None
        return dict(answer.json()) if answer.status_code == httpx.codes.OK else None

    def _until(self, done: Callable[[], bool]) -> None:
        while not done():
            if not self._process.running or time.monotonic() - self._began > LIMIT_S:
                raise SystemExit(f"serving is not ready after {LIMIT_S:g} s:\n{self._process.log_tail()}")
            time.sleep(POLL_S)


@contextmanager
def started(kafka: KafkaBroker, redis: RedisServer, topics: Topics, folder: Path) -> Iterator[Serving]:
    """Serving on a free port, ended with the block; no seat is given by chance, so that lists can be compared."""
    address = f"{LOOPBACK}:{free_port()}"
    process = WorkerProcess(
        kafka.bootstrap, redis.url, CLUSTER, topics.prefix, "serving",
        COLDSPRING_HTTP=address, COLDSPRING_DATA=str(folder / "data"), COLDSPRING_EXPLORATION="0",
    )  # fmt: skip
    process.start()
    serving = Serving(process, address)
    try:
        yield serving
    finally:
        serving.kill()
        process.close()


def first_event(kafka: KafkaBroker, redis: RedisServer, topics: Topics, folder: Path) -> tuple[float, float]:
    """Seconds from the start of a worker until an event that waits is in the state: the first, and after a kill."""
    client: Any = connect(redis.url)
    process = WorkerProcess(kafka.bootstrap, redis.url, CLUSTER, topics.prefix, COLDSPRING_DATA=str(folder / "data"))
    took = []
    try:
        for turn in range(2):
            user = f"newcomer-{turn}"
            partition = partition_of(user, topics.partitions)
            head = Keys(CLUSTER, topics.prefix).users(partition).head
            before = decode_user_head(client.get(head)).applied
            producer = Producer({"bootstrap.servers": kafka.bootstrap})
            producer.produce(topics.interactions, click(NEW + turn, user, "i0"), user.encode(), partition)
            producer.flush(LIMIT_S)
            began = time.monotonic()
            process.start()
            while decode_user_head(client.get(head)).applied == before:
                if not process.running or time.monotonic() - began > LIMIT_S:
                    raise SystemExit(f"no event was learned in {LIMIT_S:g} s:\n{process.log_tail()}")
                time.sleep(POLL_S)
            took.append(time.monotonic() - began)
            process.kill()
    finally:
        process.close()
        client.close()
    return took[0], took[1]


def restarted_redis(redis: RedisServer) -> float:
    """Seconds from the start of Redis, after an end in order, until it has loaded its files."""
    redis.terminate()
    began = time.monotonic()
    redis.start()
    return time.monotonic() - began
