"""Other programs that read the same records: each a process of its own that says how fast it was, by one rule.

The clock runs from the end of the first portion (a fetch, or one event) to the end of the last; what the first portion
held is not counted. The start of the process, joining and the first fetch are outside it.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from benchmarks.processes import pin
from streams.child_process import ChildProcess


class Counted(msgspec.Struct, frozen=True):
    """What a process handled after its first portion, and what it took for it."""

    events: int
    first: int
    seconds: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


class Tally:
    """Counts in the measured process until `wanted` events are through."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._seen = self._first = 0
        self._began = self._cpu_s = 0.0

    def add(self, events: int) -> bool:
        """So many more are through; True when these were the last, and from then on."""
        if not self._seen:
            self._first, self._began, self._cpu_s = events, time.perf_counter(), time.process_time()
        self._seen += events
        return self._seen >= self._wanted

    def tell(self) -> None:
        """Print the line that `peer` reads."""
        seconds, cpu_s = time.perf_counter() - self._began, time.process_time() - self._cpu_s
        counted = Counted(self._seen - self._first, self._first, seconds, cpu_s)
        print(msgspec.json.encode(counted).decode(), flush=True)


def peer(name: str, arguments: Sequence[object], cores: Collection[int], log: Path, limit_s: float) -> Counted:
    """Run `python -m benchmarks.NAME ARGUMENT…` on these cores until it has told its count, then end it."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]
    with ChildProcess(command, log=log, piped=True) as child:
        if cores:
            pin(child.pid, cores)
        readable, _, _ = select.select([child.stdout], [], [], limit_s)
        line = child.stdout.readline() if readable else b""
    if not line:
        raise SystemExit(f"{name} told nothing within {limit_s:g} s:\n{log.read_text(errors='replace')[-3_000:]}")
    return msgspec.json.decode(line, type=Counted)
