"""Guarded writes on a real Redis that goes away, comes back, is emptied, and is written to by others in between."""

from typing import Any

import pytest
import redis

from recommender.keys import Keys
from streams.guarded_write import GuardedWriter
from streams.redis_store import RedisUserStore, connect
from streams.store import UserWrite
from tests.rig.redis_server import RedisServer


def put(client: Any, writer: GuardedWriter, expected: bytes | None, head: bytes) -> bool:
    def queue(pipe: Any) -> None:
        pipe.set("head", head)
        pipe.rpush("log", head)

    return writer.write("me", expected, queue)


def test_every_write_is_whole_and_only_from_where_the_head_is(redis_server: RedisServer) -> None:
    client: Any = connect(redis_server.url)
    client.set("owner", "me")
    writer = GuardedWriter(client, "head", "owner")
    assert put(client, writer, None, b"1")
    assert put(client, writer, b"1", b"2")
    client.set("head", "elsewhere")  # after our look, before our write
    assert not put(client, writer, b"2", b"3")
    client.set("head", "2")
    assert put(client, writer, b"2", b"3")
    client.flushall()
    assert not put(client, writer, b"3", b"4")
    assert client.keys() == []
    client.close()


def test_a_server_that_comes_back_is_written_to_again(redis_server: RedisServer) -> None:
    client: Any = connect(redis_server.url)
    client.set("owner", "me")
    writer = GuardedWriter(client, "head", "owner")
    assert put(client, writer, None, b"1")
    redis_server.terminate()
    with pytest.raises(redis.ConnectionError):
        put(client, writer, b"1", b"2")
    redis_server.start()
    assert put(client, writer, b"1", b"2")
    assert client.lrange("log", 0, -1) == [b"1", b"2"]
    client.close()


def test_states_that_are_made_aside_again_and_again_take_no_more_connections(redis_server: RedisServer) -> None:
    client: Any = connect(redis_server.url)
    store = RedisUserStore(client, Keys("c", "").users(0))
    counts = []
    for _ in range(5):
        aside = store.aside()
        aside.claim("me")
        assert aside.write("me", None, UserWrite(b"{}"))
        aside.clear()
        counts.append(client.info("clients")["connected_clients"])
    assert counts[0] == counts[-1]
    client.close()


def test_a_command_that_fails_is_said_and_the_next_write_goes_on(redis_server: RedisServer) -> None:
    client: Any = connect(redis_server.url)
    client.set("owner", "me")
    writer = GuardedWriter(client, "head", "owner")
    assert put(client, writer, None, b"1")
    client.config_set("maxmemory", 1)
    with pytest.raises(redis.ResponseError):
        put(client, writer, b"1", b"2")
    client.config_set("maxmemory", 0)
    assert client.get("head") == b"1"
    assert put(client, writer, b"1", b"2")
    with pytest.raises(redis.ResponseError):
        writer.write("me", b"2", lambda pipe: pipe.rpush("head", "no list"))
    assert put(client, writer, b"2", b"3")
    client.close()
