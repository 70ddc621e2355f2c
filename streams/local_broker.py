"""The embedded broker: librdkafka's mock cluster, a Kafka in memory on a real loopback port. No Java, no Docker.

It speaks the Kafka protocol to any client, with consumer groups and idempotent producers, but keeps everything in
memory (about 5 MB a partition, the oldest go first), compacts nothing and ends with its process: a new run is a new
log.
Source: ``rdkafka_mock.h`` of librdkafka, reached through ctypes on the library that the confluent-kafka wheel brings.

As a process of its own: ``python -m streams.local_broker --topics '{"interactions": 4}'`` prints one JSON line when it
is ready, ``{"bootstrap": …, "cluster_id": …, "pid": …}``, and runs until SIGTERM, SIGINT or its parent's end.
"""

import argparse
import ctypes
import json
import os
import secrets
import select
import signal
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import confluent_kafka.cimpl

from streams.child_process import ChildProcess

PARTITION_BYTES = 5 * 1024 * 1024
"""What the mock cluster keeps of a partition; older records vanish without a word (``rdkafka_mock.c``)."""

JOIN_DELAY_MS = 100
"""How long a new consumer group waits for more members; librdkafka's own default of 3 s only slows a start."""

PARENT_POLL_S = 0.2

_PRODUCER = 0  # rd_kafka_type_t


class BrokerError(RuntimeError):
    """The embedded broker could not be started, or refused a topic."""


class EmbeddedBroker:
    """A one-node mock cluster in this process, on a random loopback port.

    >>> with EmbeddedBroker({"interactions": 4}) as broker:
    ...     broker.bootstrap.split(":")[0]
    '127.0.0.1'

    Raises `BrokerError` from `start` and `create_topics`.
    """

    def __init__(self, topics: Mapping[str, int] | None = None) -> None:
        self._topics = dict(topics or {})
        self._library = _library()
        self._client: int | None = None
        self._cluster: int | None = None
        self._cluster_id = ""

    def start(self, topics: Mapping[str, int] | None = None) -> Self:
        """Start listening; every topic, of the constructor and of this call, is made with its partition count."""
        if self._cluster is not None:
            raise BrokerError("the embedded broker runs already")
        reason = ctypes.create_string_buffer(512)
        conf = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(conf, b"log_level", b"3", reason, len(reason))  # errors only, on stderr
        self._client = self._library.rd_kafka_new(_PRODUCER, conf, reason, len(reason))
        if not self._client:
            raise BrokerError(f"librdkafka did not start: {reason.value.decode()}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            self.close()
            raise BrokerError("librdkafka made no mock cluster: is a loopback port to be had?")
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, JOIN_DELAY_MS)
        self._cluster_id = secrets.token_hex(8)
        self.create_topics({**self._topics, **(topics or {})})
        return self

    def create_topics(self, topics: Mapping[str, int]) -> None:
        """Make each topic with its partition count. A topic that exists already raises `BrokerError`."""
        cluster = self._running()
        for name, partitions in topics.items():
            code = self._library.rd_kafka_mock_topic_create(cluster, name.encode(), partitions, 1)
            if code != 0:
                why = self._library.rd_kafka_err2str(code).decode()
                raise BrokerError(f"topic {name!r} with {partitions} partitions: {why}")

    @property
    def bootstrap(self) -> str:
        """The address for clients, "127.0.0.1:port"."""
        return str(self._library.rd_kafka_mock_cluster_bootstraps(self._running()).decode())

    @property
    def cluster_id(self) -> str:
        """A fresh random name of this run's log: positions stored under another one mean nothing here."""
        self._running()
        return self._cluster_id

    def close(self) -> None:
        """Stop listening and drop every record. Safe to call twice."""
        if self._cluster is not None:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._cluster = None
        if self._client is not None:
            self._library.rd_kafka_destroy(self._client)
            self._client = None

    def _running(self) -> int:
        if self._cluster is None:
            raise BrokerError("the embedded broker is not running: call start()")
        return self._cluster

    def __enter__(self) -> Self:
        return self if self._cluster is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _library() -> ctypes.CDLL:
    # The extension module's own handle also finds the symbols of the library it was linked to: the wheel's very copy.
    library = ctypes.CDLL(confluent_kafka.cimpl.__file__)
    pointer, text, size, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int
    signatures: dict[str, tuple[object, list[object]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, size]),
        "rd_kafka_new": (pointer, [number, pointer, text, size]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_err2str": (text, [number]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class BrokerProcess:
    """An `EmbeddedBroker` in a process of its own, which ends when this one does; it survives a busy interpreter here.

    Raises `BrokerError` from `start` when the child is not ready within `timeout_s`.
    """

    def __init__(self, topics: Mapping[str, int], *, timeout_s: float = 15.0) -> None:
        self._topics = dict(topics)
        self._timeout_s = timeout_s
        self._child: ChildProcess | None = None
        self._ready: dict[str, str] = {}

    def start(self) -> Self:
        """Start the child and wait until it listens."""
        if self._child is not None:
            raise BrokerError("the broker process runs already")
        command = [sys.executable, "-m", "streams.local_broker", "--topics", json.dumps(self._topics)]
        self._child = ChildProcess(command, piped=True)
        try:
            self._ready = json.loads(_first_line(self._child, self._timeout_s))
        except ValueError:
            self.close()
            raise BrokerError("the broker process ended, or said nothing, before it was ready") from None
        return self

    @property
    def bootstrap(self) -> str:
        """The address for clients, "127.0.0.1:port"."""
        return self._told("bootstrap")

    @property
    def cluster_id(self) -> str:
        """A fresh random name of this run's log."""
        return self._told("cluster_id")

    @property
    def running(self) -> bool:
        """Whether the child still runs."""
        return self._child is not None and self._child.running

    def close(self) -> None:
        """Stop the child; its records are gone. Safe to call twice."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        self._ready = {}

    def _told(self, name: str) -> str:
        if not self._ready:
            raise BrokerError("the broker process is not running: call start()")
        return self._ready[name]

    def __enter__(self) -> Self:
        return self if self._child is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _first_line(child: ChildProcess, timeout_s: float) -> bytes:
    line = b""
    descriptor = child.stdout.fileno()
    deadline = time.monotonic() + timeout_s
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(descriptor, 4096) if readable else b""
        if not piece:
            return b""
        line += piece
    return line


def main(arguments: list[str] | None = None) -> None:
    """Run the broker as a process of its own; see the module's text."""
    parser = argparse.ArgumentParser(prog="streams.local_broker", description="Kafka in memory, on a loopback port")
    parser.add_argument("--topics", type=json.loads, default={}, help='JSON: {"topic": partitions, …}')
    options = parser.parse_args(arguments)
    parent = os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    with EmbeddedBroker(options.topics) as broker:
        ready = {"bootstrap": broker.bootstrap, "cluster_id": broker.cluster_id, "pid": os.getpid()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        while os.getppid() == parent:
            time.sleep(PARENT_POLL_S)


if __name__ == "__main__":
    main()
