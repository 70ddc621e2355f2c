"""Coldspring as users start it: `coldspring up --json` in a process of its own, and commands beside it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from coldspring.errors import NotFoundError

READY_TIMEOUT_S = 120.0
COMMAND = [str(Path(sys.executable).with_name("coldspring"))]
POLL_S = 0.02

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON value on stdout; AssertionError when the command failed or said anything else there."""
        assert self.status == 0, f"status {self.status}: {self.err}"
        assert self.out.endswith("\n")
        return json.loads(self.out)


def command(*arguments: str, data: Path, stdin: bytes | None = None, **environment: str) -> Done:
    """Run `coldspring …` to its end; `data` is the data folder, so that it finds the system that keeps it."""
    ended = subprocess.run(
        [*COMMAND, *arguments],
        input=b"" if stdin is None else stdin,
        capture_output=True,
        env={**clean_environment(), "COLDSPRING_DATA": str(data), **environment},
        timeout=150,
        check=False,
    )
    return Done(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def clean_environment() -> Mapping[str, str]:
    """This process's variables without settings of Coldspring: what a stranger's shell has."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COLDSPRING_")}


class RunningSystem:
    """`coldspring up --json` on a free port; the constructor starts it, `wait_until_ready` reads its line.

    Parameters
    ----------
    data: its data folder.
    options: more options of `up`.
    """

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        data.mkdir(parents=True, exist_ok=True)
        self._errors = (data / "up.err").open("wb")
        self._process = subprocess.Popen(
            [*COMMAND, "up", "--json", "--http", "127.0.0.1:0", "--data", str(data), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=clean_environment(),
        )
        self.ready: dict[str, Any] = {}

    def wait_until_ready(self) -> Self:
        """Read the line that says where everything is; AssertionError when it does not come."""
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        line, deadline = b"", time.monotonic() + READY_TIMEOUT_S
        while not line.endswith(b"\n"):
            assert self._process.poll() is None, f"up ended: {self.errors()}"
            assert time.monotonic() < deadline, f"not ready: {self.errors()}"
            line += self._process.stdout.read() or b""
            time.sleep(POLL_S)
        self.ready = json.loads(line)
        return self

    @property
    def url(self) -> str:
        """Where the API is."""
        return str(self.ready["http"])

    @property
    def bootstrap(self) -> str:
        """Where Kafka is."""
        return str(self.ready["bootstrap"])

    @property
    def pid(self) -> int:
        """The process id of `up`."""
        return self._process.pid

    def errors(self) -> str:
        """What `up` wrote to stderr."""
        return (self.data / "up.err").read_text(errors="replace")[-4_000:]

    def more_output(self) -> bytes:
        """What came to stdout after the line that said ready; call it after the end."""
        assert self._process.stdout is not None
        return self._process.stdout.read() or b""

    def command(self, *arguments: str, stdin: bytes | None = None, **environment: str) -> Done:
        """A command in another shell of the same user."""
        return command(*arguments, data=self.data, stdin=stdin, **environment)

    def http(self) -> httpx.Client:
        """A client for raw requests."""
        return httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)

    def family(self) -> dict[int, str]:
        """The processes that `up` started, and theirs: command lines by process id (Linux)."""
        parents, found = processes(), {self.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return {pid: command_line(pid) for pid in found - {self.pid}}

    def child(self, name: str) -> int:
        """The process id of one role, such as "embedding"."""
        [pid] = [pid for pid, line in self.family().items() if line.endswith(f"run {name}")]
        return pid

    def terminate(self, seconds: float = 15.0) -> int:
        """SIGTERM; the exit status, or TimeoutExpired."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL for `up` alone."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it, whatever state it is in; the processes that it started end with it."""
        try:
            self.terminate()
        except subprocess.TimeoutExpired:
            self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def processes() -> dict[int, int]:
    """Every process of this machine that is not a zombie: parent by process id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            if fields[0] != "Z":
                found[int(entry.name)] = int(fields[1])
    return found


def command_line(pid: int) -> str:
    """The command of a process; empty when it ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def eventually(look: Callable[[], T], seconds: float = 10.0, every_s: float = POLL_S) -> T:
    """What `look` gives once it is true; until then what is not so, or not known, is waited out."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = look()
        except (AssertionError, NotFoundError):
            if time.monotonic() > deadline:
                raise
        else:
            if found:
                return found
            assert time.monotonic() < deadline, f"still {found!r} after {seconds:g} s"
        time.sleep(every_s)
