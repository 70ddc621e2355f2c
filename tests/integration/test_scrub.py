"""Redis' own files: cut in the middle of a transaction and restarted twice; rewritten for several workers at once.

Redis 7.0.15 by itself brings a part of a lost transaction back at the second restart.
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


class Owed:
    """What one worker's files owe."""

    def __init__(self, owed: dict[int, int]) -> None:
        self.owed = owed

    async def look(self) -> dict[int, int]:
        return dict(self.owed)

    def done(self, upto: dict[int, int]) -> None:
        for partition, position in upto.items():
            if self.owed.get(partition) == position:
                del self.owed[partition]


async def follow(client: redis.Redis) -> None:
    """Follow restarts until the files were rewritten for one."""
    nothing = Owed({})
    scrub = Scrub(client, asyncio.to_thread, nothing.look, nothing.done)
    following = asyncio.create_task(scrub.follow_restarts("rewritten"))
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


async def test_workers_that_ask_at_once_are_all_served(redis_server: RedisServer) -> None:
    """While one worker's rewrite runs, Redis refuses another's request in several words."""
    client = connect(redis_server.url)
    client.config_set("save", "3600 1")  # two files to write: RDB too
    client.mset({f"row{n}": os.urandom(10_000) for n in range(3_000)})
    workers = [Owed({n: n + 1}) for n in range(4)]
    scrubs = [Scrub(client, asyncio.to_thread, worker.look, worker.done) for worker in workers]
    tasks = [asyncio.create_task(scrub.run()) for scrub in scrubs]
    tasks += [asyncio.create_task(scrub.follow_restarts(f"rewritten{n}")) for n, scrub in enumerate(scrubs)]
    deadline = time.monotonic() + 60
    while any(worker.owed for worker in workers) or len(client.keys("rewritten*")) < len(scrubs):
        assert time.monotonic() < deadline, [worker.owed for worker in workers]
        assert not any(task.done() for task in tasks)
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    client.close()
