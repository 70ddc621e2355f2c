"""A whole Coldspring as users start it, over the embedded broker and store or over a real Kafka and a real Redis."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from streams.ports import LOOPBACK, free_port
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer

READY_S = 240.0
STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where it is; `ready_s` is how long its start took; `pids` are its processes, broker and store too, by name."""

    http: str
    bootstrap: str
    redis: str
    ready_s: float
    pids: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def running(kind: str) -> Iterator[Site]:
    """`coldspring up` until the block ends; `kind` is embedded or real."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coldspring-bench-")))
        more: list[str] = []
        beside: dict[str, int] = {}
        if kind == "real":
            kafka = stack.enter_context(KafkaBroker(folder / "kafka"))
            redis = stack.enter_context(RedisServer(folder / "redis"))
            more = ["--bootstrap", kafka.bootstrap, "--redis", redis.url]
            beside = {"kafka": kafka.pid, "redis": redis.pid}
        yield stack.enter_context(_up(folder, more, beside))


@contextmanager
def _up(folder: Path, more: Sequence[str], beside: Mapping[str, int]) -> Iterator[Site]:
    http = f"{LOOPBACK}:{free_port()}"
    command = [sys.executable, "-m", "coldspring", "up", "--json", "--http", http, "--data", str(folder / "data")]
    began = time.monotonic()
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"coldspring up ended:\n{(folder / 'up.log').read_text()[-2000:]}")
        told = json.loads(line)
        ready_s = time.monotonic() - began
        yield Site(told["http"], told["bootstrap"], told["redis"], ready_s, {**_processes(process.pid), **beside})
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _processes(up: int) -> dict[str, int]:
    """The processes of `coldspring up` by name: its roles, and broker and store where they are embedded."""
    found = {"up": up}
    for process in psutil.Process(up).children():
        command = process.cmdline()
        embedded = "kafka" if "streams.local_broker" in command else "redis"
        found[command[-1] if command[-2:-1] == ["run"] else embedded] = process.pid
    return found


def with_site(parser: argparse.ArgumentParser) -> None:
    """Add the choice of broker and store."""
    parser.add_argument("--site", choices=("embedded", "real"), default="embedded", help="broker and store")
