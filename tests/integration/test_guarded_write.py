"""Guarded writes on a real Redis that goes away, comes back, is emptied, and is written to by others in between."""

from typing import Any

import pytest
import redis

from streams.guarded_write import guarded_write
from streams.redis_store import connect
from tests.rig.redis_server import RedisServer


def put(client: Any, expected: bytes | None, head: bytes) -> bool:
    def queue(pipe: Any) -> None:
        pipe.set("head", head)
        pipe.rpush("log", head)

    return guarded_write(client, "head", "owner", "me", expected, queue)


def test_every_write_is_whole_and_only_from_where_the_head_is(redis_server: RedisServer) -> None:
    client: Any = connect(redis_server.url)
    client.set("owner", "me")
    assert put(client, None, b"1")
    assert put(client, b"1", b"2")
    client.set("head", "elsewhere")
    assert not put(client, b"2", b"3")
    client.set("head", "2")
    assert put(client, b"2", b"3")
    client.flushall()
    assert not put(client, b"3", b"4")
    assert client.keys() == []
    client.close()


def test_a_server_that_comes_back_is_written_to_again(redis_server: RedisServer) -> None:
    client: Any = connect(redis_server.url)
    client.set("owner", "me")
    assert put(client, None, b"1")
    redis_server.terminate()
    with pytest.raises(redis.ConnectionError):
        put(client, b"1", b"2")
    redis_server.start()
    assert put(client, b"1", b"2")
    assert client.lrange("log", 0, -1) == [b"1", b"2"]
    client.close()


def test_what_changes_between_the_look_and_the_write_stops_it(redis_server: RedisServer) -> None:
    client: Any = connect(redis_server.url)
    other: Any = connect(redis_server.url)
    client.set("owner", "me")

    class Stolen(bytes):
        """An expected head that is stolen when it is compared."""

        def __eq__(self, found: object) -> bool:
            other.set("owner", "thief")
            return bytes(self) == found

        __hash__ = bytes.__hash__

    assert put(client, None, b"1")
    assert not put(client, Stolen(b"1"), b"2")
    assert (client.get("head"), client.lrange("log", 0, -1)) == (b"1", [b"1"])
    client.close()
    other.close()


def test_many_writes_and_refusals_take_one_connection(redis_server: RedisServer) -> None:
    client: Any = connect(redis_server.url)
    client.set("owner", "me")
    before = client.info("clients")["connected_clients"]
    for n in range(200):
        assert put(client, str(n - 1).encode() if n else None, str(n).encode())
        assert not put(client, b"elsewhere", b"never")
    assert client.info("clients")["connected_clients"] == before
    client.close()


def test_a_command_that_fails_is_said_and_the_next_write_goes_on(redis_server: RedisServer) -> None:
    client: Any = connect(redis_server.url)
    client.set("owner", "me")
    assert put(client, None, b"1")
    client.config_set("maxmemory", 1)
    with pytest.raises(redis.ResponseError):
        put(client, b"1", b"2")
    client.config_set("maxmemory", 0)
    assert client.get("head") == b"1"
    assert put(client, b"1", b"2")
    with pytest.raises(redis.ResponseError):
        guarded_write(client, "head", "owner", "me", b"2", lambda pipe: pipe.rpush("head", "no list"))
    assert put(client, b"2", b"3")
    client.close()
