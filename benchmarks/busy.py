"""How much of a core each role of the measured system takes while a block runs."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psutil

from benchmarks.processes import family

MODULES: Final = {
    "streams.local_broker": "kafka",
    "benchmarks.load": "load",
    "benchmarks.query_client": "client",
}


def role_of(command: Sequence[str]) -> str:
    """What a process is for, by its command line.

    >>> role_of(["python", "-m", "coldspring", "run", "serving"])
    'serving'
    >>> role_of(["java", "-Xmx96m", "kafka.Kafka", "server.properties"]), role_of(["/usr/bin/redis-server *:6379"])
    ('kafka', 'redis')
    """
    words = list(command)
    if "coldspring" in words and "run" in words:
        return words[words.index("run") + 1]
    if "coldspring" in words and "up" in words:
        return "up"
    for module, role in MODULES.items():
        if module in words:
            return role
    if "kafka.Kafka" in words:
        return "kafka"
    return "redis" if words and ("redis-server" in words[0] or "valkey" in words[0]) else "other"


@contextmanager
def busy(pid: int) -> Iterator[dict[str, float]]:
    """Cores (1.0: a full one) by role of a process and all that it started; they are there when the block has ended.

    What starts and ends within the block is not in it.
    """
    cores: dict[str, float] = {}
    before, began = _cpu_s(pid), time.monotonic()
    yield cores
    after, took = _cpu_s(pid), time.monotonic() - began
    found: dict[str, float] = defaultdict(float)
    for each, (role, cpu_s) in after.items():
        if each in before:
            found[role] += (cpu_s - before[each][1]) / took
    cores.update({role: round(share, 3) for role, share in sorted(found.items(), key=lambda one: -one[1])})


def _cpu_s(pid: int) -> dict[int, tuple[str, float]]:
    """Processor seconds so far, with the role, by process id."""
    found = {}
    for process in family(pid):
        try:
            times = process.cpu_times()
            found[process.pid] = role_of(process.cmdline()), times.user + times.system
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    found[pid] = "benchmark", found[pid][1]
    return found
