"""A whole Coldspring on this machine: the processes of `up` and `demo`, and the broker and store they need."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from coldspring import running
from coldspring.configuration import Configuration
from coldspring.errors import CommandError
from coldspring.process import PARENT, RUN
from coldspring.supervisor import Program, Supervisor
from streams.ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from streams.local_broker import BrokerProcess
    from streams.local_store import LocalStore

FIRST: Final = 2
"""So many of them start at once, the others when the page is served."""

READY_TIMEOUT_S: Final = 180.0
POLL_S: Final = 0.05
TEND_S: Final = 0.2
PROGRAMS: Final = ("serving", "worker", "embedding", "trainer", "agent")
"""In the order of their start: what a person waits for comes first."""

ENCODING: Final = "embedding"
"""The one that computes with torch, and has variables of its own for that."""


class StopRequested(Exception):
    """SIGINT or SIGTERM came while something was waited for."""


class System:
    """Broker, store and programs, started together and ended together.

    Parameters
    ----------
    config: addresses that somebody chose are used; where none was chosen an embedded broker or store is started.
    tell: takes a line for a person.
    stop: when it is set, every wait ends with `StopRequested`.
    embedded: start broker and store of our own whatever was chosen.
    programs: which of the processes to run.
    """

    def __init__(
        self,
        config: Configuration,
        tell: Callable[[str], None],
        stop: threading.Event | None = None,
        embedded: bool = False,
        programs: Sequence[str] = PROGRAMS,
    ) -> None:
        self.config = config
        self._names = programs
        self._stop = stop or threading.Event()
        self._own_broker = embedded or not config.given("bootstrap")
        self._own_store = embedded or not config.given("redis")
        self._folder = config.settings.data / "runs" / f"{os.getpid()}-{secrets.token_hex(3)}"
        self._supervisor = Supervisor(self.logs, tell)
        self._broker: BrokerProcess | None = None
        self._store: LocalStore | None = None
        self._clean = False

    def start(self) -> Self:
        """Start broker, store and the first programs; return once they run, before they are ready."""
        from coldspring import wiring

        sweep(self.config.settings.data / "runs")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._choose_ports()
        if self._own_store:
            from streams.local_store import LocalStore

            self._store = LocalStore(self._folder / "store").start()
            self.config = _replaced(self.config, redis=self._store.url)
        if self._own_broker:
            from streams.local_broker import BrokerProcess

            topics = wiring.topics(self.config.settings)
            self._broker = BrokerProcess({topic.name: topic.partitions for topic in topics.all()}).start()
            self.config = _replaced(self.config, bootstrap=self._broker.bootstrap, cluster=self._broker.cluster_id)
        else:
            wiring.create_topics(self.config.settings)
            if not self.config.settings.cluster:
                self.config = _replaced(self.config, cluster=wiring.cluster_id(self.config.settings))
        self._start(self._names[:FIRST])
        if "serving" in self._names:
            running.write_note(self.config.settings.data, self.config)
        return self

    def start_rest(self) -> None:
        """Start what a first list can do without: its imports would take the cores from what it needs."""
        self._start(self._names[FIRST:])

    def _start(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._supervisor.pids():
                self._supervisor.start(self._program(name))

    @property
    def logs(self) -> Path:
        """Where the programs' output goes."""
        return self._folder / "logs"

    @property
    def url(self) -> str:
        """Where the API and the page are."""
        return f"http://{self.config.settings.http}"

    def tend(self) -> None:
        """Look after everything once; call it a few times a second.

        Raises
        ------
        CommandError: when the embedded broker is gone (its log went with it), or a program keeps dying.
        """
        if self._broker is not None and not self._broker.running:
            raise CommandError("the embedded broker ended, and the log that it held in memory with it")
        if self._store is not None and not running.alive(self._store.pid):
            self._store.restart()
        self._supervisor.tend()

    def wait_for(self, done: Callable[[], bool], what: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Tend until `done`; `CommandError` when that takes too long."""
        deadline = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > deadline:
                raise CommandError(f"{what} within {timeout_s:g} s: see the logs in {self.logs}")
            self.pause(POLL_S)

    def pause(self, seconds: float) -> None:
        """Tend once, then sleep; raises `StopRequested` at once when the end was asked for."""
        self.tend()
        if self._stop.wait(seconds):
            raise StopRequested

    def tend_for(self, seconds: float = math.inf) -> None:
        """Look after everything for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.pause(TEND_S)

    def wait_until_serving(self) -> None:
        """Return once the API says that it is ready; then everything else starts too."""
        self.wait_for(lambda: answers(f"{self.url}/readyz"), "serving was not ready")
        self.start_rest()

    def wait_until_ready(self) -> None:
        """Return once lists and free text can be answered."""
        self.wait_until_serving()
        encoder = f"{self.config.settings.encoder_url}/readyz"
        self.wait_for(lambda: answers(encoder), "the encoder was not ready")

    def stop(self) -> None:
        """End everything, programs before what they stand on; under ten seconds. Safe to call twice."""
        running.remove_note(self.config.settings.data)
        self._supervisor.stop()
        if self._broker is not None:
            self._broker.close()
            self._broker = None
        if self._store is not None:
            self._store.close()
            self._store = None
        if self._clean:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An end that was asked for is none that anybody has to look into; after a failure the logs stay, to be read.
        self._clean = error is None or isinstance(error, StopRequested)
        self.stop()

    def _choose_ports(self) -> None:
        if "serving" not in self._names:
            return
        host, _, port = self.config.settings.http.rpartition(":")
        if int(port) == 0:
            self.config = _replaced(self.config, http=f"{host}:{free_port()}")
        elif _taken(host, int(port)):
            raise CommandError(f"port {port} on {host} is taken: choose another with --http {host}:PORT, 0 for any")
        if not self.config.given("encoder_url"):
            self.config = _replaced(self.config, encoder_url=f"http://{LOOPBACK}:{free_port()}")

    def _program(self, name: str) -> Program:
        from embedding_worker import ENVIRONMENT

        # Children are told everything; nothing of what this shell sets beside it may differ from what was shown.
        environment = {**self.config.settings.environment(), PARENT: str(os.getpid())}
        if self._own_broker:
            environment[RUN] = str(self._folder)
        if name == ENCODING:
            environment |= ENVIRONMENT
        return Program(name, [sys.executable, "-m", "coldspring", "run", name], environment)


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered with 200."""
    import httpx

    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@contextlib.contextmanager
def signalled() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, in place of what they do otherwise."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def sweep(runs: Path) -> None:
    """Remove what earlier runs left that were killed or failed; those that still run keep theirs."""
    for folder in runs.glob("*-*"):
        pid = folder.name.partition("-")[0]
        if pid.isdigit() and not running.alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _replaced(config: Configuration, **values: str) -> Configuration:
    return Configuration(config.settings.model_copy(update=values), config.origins)


def _taken(host: str, port: int) -> bool:
    import socket

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError:
            return True
    return False
