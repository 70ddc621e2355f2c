"""Debian's redis-server on loopback with an append-only file, made to be killed."""

import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streams.child_process import ChildProcess
from streams.ports import LOOPBACK, free_port

READY_TIMEOUT_S = 20.0
POLL_S = 0.01


class RedisServer:
    """A real Redis. Port and data stay the same over kill, terminate and restart; `noeviction`, AOF every second.

    Raises RuntimeError from `start` when redis-server is missing or does not answer; its log is `data_dir`/redis.log.
    """

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port or free_port()
        self._child: ChildProcess | None = None

    @property
    def url(self) -> str:
        """The address for redis clients."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._child is None:
            raise RuntimeError("the Redis server is not running: call start()")
        return self._child.pid

    def start(self) -> Self:
        """Start the server and wait until it answers PING with its data loaded."""
        if self._child is not None:
            raise RuntimeError("the Redis server runs already")
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("redis-server is not installed: scripts/setup-system.sh installs what the tests need")
        self.data_dir.mkdir(parents=True, exist_ok=True)
        settings = ["--port", str(self.port), "--bind", LOOPBACK, "--dir", str(self.data_dir), "--save", ""]
        durable = ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]
        self._child = ChildProcess([program, *settings, *durable], log=self.data_dir / "redis.log")
        deadline = time.monotonic() + READY_TIMEOUT_S
        with redis.Redis(host=LOOPBACK, port=self.port, retry=Retry(NoBackoff(), 0)) as client:
            while self._child.running and time.monotonic() < deadline:
                try:
                    client.ping()
                except (redis.ConnectionError, redis.BusyLoadingError):
                    time.sleep(POLL_S)
                    continue
                return self
        self.kill()
        raise RuntimeError(f"redis-server did not start:\n{(self.data_dir / 'redis.log').read_text()[-2000:]}")

    def kill(self) -> None:
        """SIGKILL."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def terminate(self) -> None:
        """SIGTERM: the append-only file is written out. Safe to call twice."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def restart(self) -> None:
        """Start again on the same port and data, after a shutdown in order when it still runs."""
        self.terminate()
        self.start()

    def __enter__(self) -> Self:
        return self if self._child is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()
