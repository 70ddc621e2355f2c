"""Programs that belong together: started, watched, started again when they die, and stopped in order.

Each is a process of its own that ends with this one, ``kill -9`` included (`streams.child_process`).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from coldspring.errors import CommandError
from streams.child_process import ChildProcess

STOP_GRACE_S = 6.0
"""After SIGTERM, before SIGKILL; broker and store still have to end within the ten seconds promised."""

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 10.0
STEADY_S = 30.0
"""A program that ran this long is well again: its backoff starts from the first step."""

GIVE_UP_AFTER = 4
"""A program that never ran steadily is started so many times."""

KILLED = (-signal.SIGKILL, -signal.SIGTERM)

TAIL_LINES = 8
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    Attributes
    ----------
    name: of the program, and of its log file.
    command: program and arguments.
    environment: variables set for it, beside this process's own.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    child: ChildProcess
    began: float
    starts: int
    backoff: float
    due: float | None = None


class Supervisor:
    """Keeps programs running.

    Parameters
    ----------
    logs: folder of their output, a file a program.
    tell: takes a line for a person when a program died.
    clock: seconds, only their differences count.
    environ: the variables that programs inherit; default this process's own.
    """

    def __init__(
        self,
        logs: Path,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._logs = logs
        self._tell = tell
        self._clock = clock
        self._environ = os.environ if environ is None else environ
        self._programs: dict[str, Program] = {}
        self._runs: dict[str, _Run] = {}

    def start(self, program: Program) -> None:
        """Start a program; it is kept running from now on."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._programs[program.name] = program
        self._runs[program.name] = _Run(self._launch(program), self._clock(), 1, FIRST_BACKOFF_S)

    def tend(self) -> None:
        """Look at every program once; what died is started again when its time has come.

        Raises
        ------
        CommandError: when a program dies again and again without ever running steadily.
        """
        for name, run in self._runs.items():
            if run.child.running:
                continue
            if run.due is None:
                self._died(name, run)
            elif self._clock() >= run.due:
                run.child = self._launch(self._programs[name])
                run.began, run.due, run.starts = self._clock(), None, run.starts + 1

    def run_until(self, done: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Tend the programs until `done`; False when the time passed first."""
        deadline = None if timeout_s is None else self._clock() + timeout_s
        while not done():
            if deadline is not None and self._clock() > deadline:
                return False
            self.tend()
            time.sleep(POLL_S)
        return True

    def pids(self) -> dict[str, int]:
        """The process id of each program that runs now."""
        return {name: run.child.pid for name, run in self._runs.items() if run.child.running}

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """SIGTERM to all at once, SIGKILL for what still runs after `grace_s`. Safe to call twice."""
        children = [run.child for run in self._runs.values()]
        self._runs.clear()
        for child in children:
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        for child in children:
            child.wait(max(0.0, deadline - time.monotonic()))
        for child in children:
            child.kill()

    def log(self, name: str) -> Path:
        """The log file of a program."""
        return self._logs / f"{name}.log"

    def tail(self, name: str, lines: int = TAIL_LINES) -> list[str]:
        """The last lines that a program wrote."""
        try:
            with self.log(name).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
                return log.read().decode("utf-8", "replace").splitlines()[-lines:]
        except OSError:
            return []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self, program: Program) -> ChildProcess:
        return ChildProcess(program.command, log=self.log(program.name), env={**self._environ, **program.environment})

    def _died(self, name: str, run: _Run) -> None:
        now = self._clock()
        if now - run.began >= STEADY_S:
            run.starts, run.backoff = 0, FIRST_BACKOFF_S
        if run.child.returncode in KILLED:
            run.starts -= 1  # somebody else's doing: no sign that it cannot run
        self._tell(f"{name} ended with status {run.child.returncode}; its last lines:")
        for line in self.tail(name):
            self._tell(f"  {line[:300]}")
        if run.starts >= GIVE_UP_AFTER:
            raise CommandError(f"{name} ended {run.starts} times soon after its start: see {self.log(name)}")
        run.due = now + run.backoff
        run.backoff = min(2 * run.backoff, LONGEST_BACKOFF_S)
