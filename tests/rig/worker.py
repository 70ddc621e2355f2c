"""A click worker as users run it: `coldspring run worker` in a process of its own."""

import os
import signal
import subprocess
import sys
import tempfile
from typing import IO


class WorkerProcess:
    """Start, kill -9, start again."""

    def __init__(
        self, bootstrap: str, redis: str, cluster: str, prefix: str, role: str = "worker", **more: str
    ) -> None:
        self._command = [sys.executable, "-m", "coldspring", "run", role]
        self._environment = {
            **os.environ,
            "COLDSPRING_BOOTSTRAP": bootstrap,
            "COLDSPRING_REDIS": redis,
            "COLDSPRING_CLUSTER": cluster,
            "COLDSPRING_PREFIX": prefix,
            **more,
        }
        self._log: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        if self._log is None:
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `kill`
        self._process = subprocess.Popen(self._command, env=self._environment, stdout=self._log, stderr=self._log)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "start it first"
        return self._process.pid

    def wait(self, seconds: float) -> int:
        """Wait for its end; the exit code, or subprocess.TimeoutExpired."""
        assert self._process is not None, "start it first"
        return self._process.wait(seconds)

    def resume(self) -> None:
        """SIGCONT, where it was stopped."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait for its end; a process that has ended is left."""
        self._end(signal.SIGKILL)

    def terminate(self, seconds: float = 10.0) -> int:
        """SIGTERM; returns the exit code, or raises subprocess.TimeoutExpired."""
        return self._end(signal.SIGTERM, seconds)

    def revive(self) -> None:
        """Start it again if it ended by itself."""
        if self._process is not None and self._process.poll() == 1:
            self.start()

    @property
    def running(self) -> bool:
        """Has it not ended yet?"""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """All that it wrote."""
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def log_tail(self) -> str:
        """The last of what it wrote."""
        if self._log is None:
            return ""
        size = self._log.tell()
        self._log.seek(max(0, size - 5_000))
        return self._log.read().decode(errors="replace")

    def _end(self, number: int, seconds: float | None = None) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(seconds)

    def close(self) -> None:
        """Kill, and drop the log."""
        self.kill()
        if self._log is not None:
            self._log.close()
            self._log = None
