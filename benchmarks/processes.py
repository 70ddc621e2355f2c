"""Processes of the measured system: on which cores they run, and what they take of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Used:
    """Processor seconds so far, and resident bytes."""

    cpu_s: float
    rss: int


def pin(pid: int, cores: Collection[int]) -> None:
    """Keep a process, all its threads and those of its children on these cores; what it starts later inherits it."""
    for process in family(pid):
        for thread in process.threads():
            try:
                os.sched_setaffinity(thread.id, cores)
            except ProcessLookupError:  # ended meanwhile
                continue


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    head = psutil.Process(pid)
    return [head, *head.children(recursive=True)]


def used(pids: Iterable[int]) -> Used:
    """Processor time and memory of some processes together."""
    cpu_s, rss = 0.0, 0
    for pid in pids:
        process = psutil.Process(pid)
        times = process.cpu_times()
        cpu_s += times.user + times.system
        rss += process.memory_info().rss
    return Used(cpu_s, rss)


def proportional(pid: int) -> int:
    """Bytes of memory of a process where what is shared with others counts in part (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError(f"no PSS of process {pid}")
