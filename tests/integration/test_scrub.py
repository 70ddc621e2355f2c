"""Redis' append-only file, cut in the middle of a transaction, and restarted twice.

Redis 7.0.15 by itself brings a part of the lost transaction back at the second restart.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import redis

from streams.redis_store import connect
from streams.scrub import Scrub
from tests.rig.redis_server import RedisServer


def write(client: redis.Redis, name: str) -> None:
    """One transaction of several commands, long enough to be cut inside one."""
    with client.pipeline(transaction=True) as pipe:
        pipe.rpush("names", name)
        pipe.rpush("names", name * 2_000)
        pipe.set("head", name)
        pipe.execute()


def held(client: Any) -> list[str]:
    return [name.decode()[:1] for name in client.lrange("names", 0, -1)]


def append_only_file(server: RedisServer) -> Path:
    [log] = [file for file in (server.data_dir / "appendonlydir").iterdir() if ".incr." in file.name]
    return log


async def follow(client: redis.Redis) -> None:
    """Follow restarts until the files were rewritten for one."""
    following = asyncio.create_task(Scrub(client, asyncio.to_thread).follow_restarts("rewritten"))
    deadline = time.monotonic() + 30
    while not await asyncio.to_thread(client.exists, "rewritten"):
        assert time.monotonic() < deadline, "the files were not rewritten"
        await asyncio.sleep(0.05)
    following.cancel()


def test_what_was_lost_does_not_come_back(redis_server: RedisServer) -> None:
    client = connect(redis_server.url)
    log = append_only_file(redis_server)
    write(client, "a")
    redis_server.terminate()  # everything is on disk
    kept = log.stat().st_size
    redis_server.start()
    write(client, "b")
    redis_server.terminate()
    os.truncate(log, (kept + log.stat().st_size) // 2)
    redis_server.start()
    assert held(client) == ["a", "a"]

    asyncio.run(follow(client))
    write(client, "c")
    redis_server.terminate()
    redis_server.start()
    assert held(client) == ["a", "a", "c", "c"]
    client.close()
