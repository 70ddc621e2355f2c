"""The supervisor with dummy programs: restarts, the end in order, and no orphan after kill -9."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coldspring import running
from coldspring.errors import CommandError
from coldspring.supervisor import GIVE_UP_AFTER, Program, Supervisor

SLEEPER = "import time; print('here', flush=True); time.sleep(120)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(120)"
PARENT = """
import sys, time
from pathlib import Path
from coldspring.supervisor import Program, Supervisor
supervisor = Supervisor(Path(sys.argv[1]), print)
for name in ("a", "b"):
    supervisor.start(Program(name, [sys.executable, "-c", sys.argv[2]]))
supervisor.run_until(lambda: all(supervisor.tail(name) for name in ("a", "b")))
print(*supervisor.pids().values(), flush=True)
time.sleep(120)
"""


def python(name: str, code: str) -> Program:
    return Program(name, [sys.executable, "-c", code])


def within(seconds: float, done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_program_runs_with_its_environment_and_its_log(tmp_path: Path) -> None:
    with Supervisor(tmp_path, print) as supervisor:
        code = "import os, time; print(os.environ['WORD'], flush=True); time.sleep(60)"
        supervisor.start(Program("a", [sys.executable, "-c", code], {"WORD": "hello"}))
        assert supervisor.run_until(lambda: supervisor.tail("a") == ["hello"], timeout_s=20)
        assert set(supervisor.pids()) == {"a"}


def test_a_program_that_dies_is_started_again(tmp_path: Path) -> None:
    told: list[str] = []
    with Supervisor(tmp_path, told.append) as supervisor:
        supervisor.start(python("a", SLEEPER))
        assert supervisor.run_until(lambda: bool(supervisor.tail("a")), timeout_s=20)
        first = supervisor.pids()["a"]
        os.kill(first, signal.SIGKILL)
        assert supervisor.run_until(lambda: supervisor.pids().get("a", first) != first, timeout_s=20)
    assert told[0] == "a ended with status -9; its last lines:"
    assert told[1] == "  here"


def test_a_program_that_never_runs_is_given_up(tmp_path: Path) -> None:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 1.0
        return clock[0]

    with Supervisor(tmp_path, lambda _: None, clock=tick) as supervisor:
        supervisor.start(python("bad", "import sys; sys.exit('no such thing')"))
        with pytest.raises(CommandError, match=f"bad ended {GIVE_UP_AFTER} times"):
            supervisor.run_until(lambda: False)
        assert supervisor.tail("bad") == ["no such thing"] * GIVE_UP_AFTER


def test_a_program_that_is_killed_again_and_again_is_not_given_up(tmp_path: Path) -> None:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 1.0
        return clock[0]

    with Supervisor(tmp_path, lambda _: None, clock=tick) as supervisor:
        supervisor.start(python("a", SLEEPER))
        for _ in range(GIVE_UP_AFTER + 1):
            pid = supervisor.pids()["a"]
            os.kill(pid, signal.SIGKILL)
            assert supervisor.run_until(lambda pid=pid: supervisor.pids().get("a", pid) != pid)  # type: ignore[misc]


def test_stop_ends_all_at_once_and_kills_the_deaf(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, print)
    for name, code in (("a", SLEEPER), ("b", SLEEPER), ("deaf", DEAF)):
        supervisor.start(python(name, code))
    assert supervisor.run_until(lambda: all(supervisor.tail(n) for n in ("a", "b", "deaf")), timeout_s=20)
    pids = supervisor.pids().values()
    began = time.monotonic()
    supervisor.stop(grace_s=1.0)
    assert time.monotonic() - began < 3
    assert not any(map(running.alive, pids))
    supervisor.stop()


def test_no_orphan_after_kill_9(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path), SLEEPER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(running.alive, pids))
        parent.send_signal(signal.SIGKILL)
    assert within(5, lambda: not any(map(running.alive, pids)))
