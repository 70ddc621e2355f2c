"""A real Kafka broker (KRaft, one node) on loopback, small and quick to start, made to be killed."""

import base64
import socket
import struct
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.child_process import ChildProcess
from streams.ports import LOOPBACK, free_port
from tests.rig.kafka_jars import jars, need

JVM = ["-Xms64m", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k"]
READY_TIMEOUT_S = 60.0
POLL_S = 0.05

SETTINGS = """
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{host}:{controller}
log.dirs={logs}
auto.create.topics.enable=false
num.io.threads=2
num.network.threads=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# the cleaner's default buffer is larger than our heap
log.cleaner.dedupe.buffer.size=4194304
# after kill -9 the restart waits for the old registration to run out: 13 s with the defaults, 6 s with these
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=500
"""


class KafkaBroker:
    """Kafka of the version in kafka-pom.xml. Port, cluster id and data stay the same over kill, terminate and restart.

    Raises RuntimeError from `start` when the broker is not ready within a minute; its log is `data_dir`/kafka.log.
    """

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port or free_port()
        self._controller_port = free_port()
        self.cluster_id = _random_id()
        self._child: ChildProcess | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients, "127.0.0.1:port"."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """The broker's process id."""
        if self._child is None:
            raise RuntimeError("the Kafka broker is not running: call start()")
        return self._child.pid

    def start(self) -> Self:
        """Start the broker and wait until it answers a Metadata request."""
        if self._child is not None:
            raise RuntimeError("the Kafka broker runs already")
        self._child = ChildProcess(self._command(), log=self.data_dir / "kafka.log")
        deadline = time.monotonic() + READY_TIMEOUT_S
        while self._child.running and time.monotonic() < deadline:
            if brokers_known(LOOPBACK, self.port) >= 1:
                return self
            time.sleep(POLL_S)
        self.kill()
        tail = (self.data_dir / "kafka.log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the Kafka broker on {self.bootstrap} did not start:\n{tail}")

    def kill(self) -> None:
        """SIGKILL: no flush, no goodbye to the controller."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def terminate(self) -> None:
        """SIGTERM: a shutdown in order. Safe to call twice."""
        if self._child is not None:
            self._child.stop(grace_s=20)
            self._child = None

    def restart(self) -> None:
        """Start again on the same port and data, after a shutdown in order when it still runs."""
        self.terminate()
        self.start()

    def _command(self) -> list[str]:
        folder = jars()
        logs = self.data_dir / "logs"
        if not logs.is_dir():
            logs.mkdir(parents=True)
            # What kafka-storage.sh format would write, without the start of a JVM for it.
            identity = f"version=1\ncluster.id={self.cluster_id}\nnode.id=1\ndirectory.id={_random_id()}\n"
            (logs / "meta.properties").write_text(identity)
        settings = self.data_dir / "server.properties"
        settings.write_text(
            SETTINGS.format(host=LOOPBACK, port=self.port, controller=self._controller_port, logs=logs).lstrip()
        )
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return [need("java"), *JVM, quiet, "-cp", f"{folder}/*", "kafka.Kafka", str(settings)]

    def __enter__(self) -> Self:
        return self if self._child is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()


def _random_id() -> str:
    """A Kafka Uuid: 16 random bytes in base64url without padding, 22 characters, none of them a leading dash."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def brokers_known(host: str, port: int) -> int:
    """How many brokers the one at this address lists in a Metadata v1 response; 0 while it does not answer."""
    client = b"rig"
    body = struct.pack(">hhih", 3, 1, 1, len(client)) + client + struct.pack(">i", 0)  # key 3, version 1, no topics
    try:
        with socket.create_connection((host, port), timeout=2.0) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            header = _exactly(connection, 12)  # length, correlation id, count of brokers
    except OSError:
        return 0
    return int(struct.unpack(">iii", header)[2])


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise ConnectionError("the broker closed the connection")
        received += piece
    return received
