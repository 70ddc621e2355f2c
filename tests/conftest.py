"""Fixtures for all tests: brokers and stores, real ones and the embedded ones, each started when first asked for."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.local_broker import EmbeddedBroker
from streams.local_store import LocalStore
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A real Kafka broker for the whole run. A test that stops it starts it again before it ends."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A real Redis of this test's own, empty, with an append-only file; `kill` and `restart` keep port and data."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """librdkafka's mock cluster in this process, without topics: make them with `create_topics`."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def embedded_store(tmp_path: Path) -> Iterator[LocalStore]:
    """The embedded store of this test's own, empty."""
    with LocalStore(tmp_path / "store") as store:
        yield store


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test has, so that tests share a broker without meeting."""
    return f"t{secrets.token_hex(4)}-"
