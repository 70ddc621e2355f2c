"""Systems as users start them, shared by the tests that do not end them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldspring import Client
from tests.rig import shelf
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.system import RunningSystem, eventually


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """Everything embedded, with the catalogue of `shelf` searchable."""
    with RunningSystem(tmp_path_factory.mktemp("up")) as running:
        running.wait_until_ready()
        with Client(running.url) as client:
            announce_shelf(client)
        yield running


@pytest.fixture
def client(system: RunningSystem) -> Iterator[Client]:
    """Questions to `system`."""
    with Client(system.url) as client:
        yield client


@pytest.fixture(scope="session")
def real_system(kafka: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The same on a real Kafka and a real Redis, under a prefix."""
    with RedisServer(tmp_path_factory.mktemp("e2e-redis")) as redis:
        chosen = ("--bootstrap", kafka.bootstrap, "--redis", redis.url, "--prefix", "shop.")
        with RunningSystem(tmp_path_factory.mktemp("up-real"), *chosen) as running:
            running.wait_until_ready()
            with Client(running.url) as client:
                announce_shelf(client)
            yield running


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of items, a removal, a profile and interactions, some bad: 20 users, 30 items, checkerboard tastes."""
    path = tmp_path_factory.mktemp("log") / "events.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as out:
        for event in log_events():
            out.write((event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)) + "\n")
    return path


def log_events() -> Iterator[dict[str, object] | str]:
    """What `log` holds."""
    for item in range(30):
        yield {"kind": "item", "item_id": f"i{item}", "title": f"电影 {item}", "categories": [f"c{item % 2}"],
               "timestamp": shelf.SINCE_MS + item}  # fmt: skip
    yield {"kind": "item", "item_id": "i29", "removed": True, "timestamp": shelf.SINCE_MS + 40}
    yield {"kind": "profile", "user_id": "u3", "text": "喜剧", "timestamp": shelf.SINCE_MS + 41}
    for n in range(400):
        user = n * 7 % 20
        yield {"kind": "interaction", "event_id": f"e{n if n % 50 else 0}", "user_id": f"u{user}",
               "item_id": f"i{(user % 2 + 2 * (n * n % 15)) % 29}", "type": ("click", "view", "like")[n % 3],
               "timestamp": shelf.SINCE_MS + 1_000 * n}  # fmt: skip
        if n % 100 == 99:
            yield {"kind": "interaction", "user_id": f"u{user}", "item_id": "i1", "type": "ogle", "timestamp": 5}
    yield {"kind": "interaction", "user_id": "", "item_id": "i1", "type": "click", "timestamp": 5}
    yield "no JSON at all"


def announce_shelf(client: Client) -> None:
    """Announce the catalogue and wait until all of it is searchable."""
    client.items(shelf.items())
    eventually(lambda: client.status().get("index_size", 0) >= len(shelf.items()), seconds=60, every_s=0.2)
