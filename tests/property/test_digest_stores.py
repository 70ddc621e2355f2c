"""Redis keeps what memory keeps."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import given

from recommender.keys import Keys
from streams.redis_store import RedisItemStore, RedisUserStore, connect
from tests.property.examples import TRIED
from tests.property.logs import Line, logs
from tests.property.site import Site
from tests.property.story import Event, Sizes
from tests.property.test_digest_workers import (
    CRASHES,
    MOVE,
    RENUMBER,
    RESTART,
    SIZES,
    TROUBLES,
    UNLEARN,
    WORKER,
    WORKERS,
    happened,
    stories,
    takes,
)
from tests.rig.redis_server import RedisServer

STORIES = stories(takes(WORKER), takes(WORKER, *CRASHES, *TROUBLES), MOVE, RESTART, UNLEARN, RENUMBER)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """A real Redis."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        client = connect(server.url)
        yield client
        client.close()


def test_redis_and_memory_give_the_same(client: redis.Redis) -> None:
    keys = Keys("property", "")

    def store(of_items: bool, partition: int) -> Any:
        return (
            RedisItemStore(client, keys.items(partition)) if of_items else RedisUserStore(client, keys.users(partition))
        )

    @TRIED
    @given(logs(forgets=True), STORIES, SIZES)
    def same(lines: list[Line], story: list[Event], sizes: Sizes) -> None:
        client.flushall()
        site = Site(lines, WORKERS, sizes, stores=store)
        assert happened(site, story) == happened(Site(lines, sizes=sizes, most=1_000), [])

    same()
