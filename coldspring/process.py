"""One process of the system: its log, its signals, its end; what it does is in `roles.py`."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from coldspring.settings import Settings

PARENT: Final = "COLDSPRING_PARENT"
"""Set by a supervisor to its process id: this process ends when that one is gone."""

RUN: Final = "COLDSPRING_RUN"
"""Set by an embedded run to its folder: what is kept there goes with it."""

NICENESS: Final = {"worker": 15, "embedding": 15, "trainer": 19}
"""On few cores answers come before what is learned, and that before lessons.

A worker that is late writes larger batches, which cost less."""

IDLE: Final = ("trainer",)
"""Takes what nobody else wants."""

SWITCH_S: Final = 0.0005
"""How long one thread keeps another from the interpreter. Python's 5 ms would be added at each step of an event from
thread to thread."""

STARTED_S: Final = 15.0
"""What is in memory so long after the start stays: see `keep`."""

ORPHAN_GRACE_S: Final = 3.0
STOP_GRACE_S: Final = 9.0
QUIET: Final = ("aiokafka", "kafka", "faust", "mode", "httpx", "asyncio")
"""Libraries that log thousands of lines while a broker is away: only what they find serious."""

MEASURED: Final = ("worker", "trainer", "agent")
"""Serving and the embedding worker have HTTP, and so metrics, of their own."""

Role = Callable[["Settings", asyncio.Event], Awaitable[None]]


def run_role(name: str, settings: Settings) -> None:
    """Run a role until SIGINT, SIGTERM or the end of the supervisor."""
    from coldspring import roles
    from streams import bounded_fetch

    one_blas_thread()
    bounded_fetch.install()
    _log_to_stderr(settings.log_level)
    parent = os.environ.get(PARENT, "")
    if parent.isdigit():
        step_back(NICENESS.get(name, 0), name in IDLE)
        threading.Thread(target=_leave_with, args=(int(parent),), daemon=True, name="parent").start()
    sys.setswitchinterval(SWITCH_S)
    role: Role = roles.ROLES[name]
    if settings.metrics and name in MEASURED:
        _show_metrics(settings.metrics)
    runner = _loop_factory()
    with asyncio.Runner(loop_factory=runner) as loop:
        loop.run(_until_stopped(name, role, settings))


def one_blas_thread() -> None:
    """Have numpy multiply in the thread that asks: OpenBLAS sets one to spin on every core for each small matrix.

    A serving process took 13 ms a list with it, 4 without. `OPENBLAS_NUM_THREADS`, where it is set, stands.
    """
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # for what is loaded later
        threadpool_limits(1, "blas")


def step_back(niceness: int, idle: bool) -> None:
    """Let processes of our session with a lower niceness go first; with `idle`, any that wants to work, at once.

    Being merely nice still keeps a core for some ms after somebody else woke up.
    """
    os.nice(niceness)
    if idle and hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def keep() -> None:
    """Have the garbage collector leave alone what is there now: modules and loaded state, a million objects.

    Without it a serving process stood still for 50 to 100 ms every few seconds, for nothing.
    """
    gc.collect()
    gc.freeze()


async def _until_stopped(name: str, role: Role, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        stop.set()
        _leave_in(STOP_GRACE_S)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)
    loop.call_later(STARTED_S, keep)
    log = logging.getLogger("coldspring")
    log.info("%s starts", name)
    try:
        await role(settings, stop)
    except Exception as error:
        log.error("%s ends: %s: %s", name, type(error).__name__, error)
        _leave_in(STOP_GRACE_S)
        raise
    log.info("%s ended", name)


def _leave_in(seconds: float) -> None:
    """A broker that is gone can hold up every library's farewell, and a stuck thread the interpreter's."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.ERROR)


def _show_metrics(address: str) -> None:
    from prometheus_client import start_http_server

    from coldspring.settings import split_address

    host, port = split_address(address)
    start_http_server(port, host)


def _leave_with(parent: int) -> None:
    """The kernel sends SIGTERM when the supervisor dies; this makes sure, also when the farewell hangs."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_GRACE_S)
    os._exit(1)
