"""Programs that we start and that never outlive us: the local broker, the local store, workers of `up`."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from streams import die_with_parent

STOP_GRACE_S = 10.0
"""How long `ChildProcess.stop` waits for a program to end by itself before it is killed."""


class ChildProcess:
    """A running program that ends when it is stopped, or when this process dies, ``kill -9`` of this process included.

    It has a process group of its own, so Ctrl-C in a terminal reaches us alone and we decide who stops in which order.
    It stays in our session: Linux shares the processor out among sessions first (sched(7), autogroups), and only among
    processes of one session does it go by their niceness.

    Parameters
    ----------
    command: program and arguments.
    log: file that takes stdout and stderr (appended to). Without it stderr is ours, and stdout too unless `piped`.
    piped: keep stdout as a binary pipe in `stdout`.
    pass_fds: open files that the program inherits.

    A program that does not exist ends with status 127, with a line on stderr.

    Raises
    ------
    OSError: when no process can be made.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path | None = None,
        piped: bool = False,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        shim = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid())]
        self._command = [*shim, *command]
        self._log = log
        self._piped = piped
        self._cwd = cwd
        self._env = env
        self._pass_fds = pass_fds
        self._popen: subprocess.Popen[bytes] | None = None
        self._failure: Exception | None = None
        self._started = threading.Event()
        self._ended = threading.Event()
        # The parent-death signal follows the starting thread: each program gets a thread that lives as long as it does.
        threading.Thread(target=self._own, name=f"child {Path(command[0]).name}", daemon=True).start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def _own(self) -> None:
        try:
            self._popen = self._launch()
        except Exception as failure:  # handed to the thread that called us
            self._failure = failure
            return
        finally:
            self._started.set()
        self._popen.wait()
        self._ended.set()

    def _launch(self) -> subprocess.Popen[bytes]:
        output = self._log.open("ab") if self._log else None
        try:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._piped else output,
                stderr=output,
                cwd=self._cwd,
                env=self._env,
                pass_fds=self._pass_fds,
                process_group=0,
            )
        finally:
            if output:
                output.close()

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        assert self._popen is not None, "the constructor raises when nothing was started"  # noqa: S101
        return self._popen

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    @property
    def stdout(self) -> IO[bytes]:
        """The program's output; only with ``piped=True`` (ValueError else)."""
        if self._process.stdout is None:
            raise ValueError("start it with piped=True to read its output")
        return self._process.stdout

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return not self._ended.is_set()

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.returncode if self._ended.is_set() else None

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end; the exit status, or None when `timeout_s` passed first."""
        self._ended.wait(timeout_s)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens when the program has ended."""
        if self.running:
            self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self.running:
            self._process.kill()
        self._finish()

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """SIGTERM, and SIGKILL for what still runs after `grace_s` seconds. Safe to call twice."""
        if self.running:
            self._process.terminate()
            self._ended.wait(grace_s)
        self.kill()

    def _finish(self) -> None:
        self._ended.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
