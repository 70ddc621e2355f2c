"""Requests over HTTP at fixed times, whatever the server does, from a process that does nothing else and is light.

    python -m benchmarks.query_client HOST:PORT --rate 200 [--seconds 15] [--connections 16] < TARGETS

A line of the input is one request's target; they are asked in turn. Request number k is due k / rate seconds after the
start, and its latency counts from then on: one that waits for a free connection, or for this process, is the later for
it, so a slow server cannot put off what is measured next. Plain sockets and `select`, whose timeouts are exact to some
50 us: the event loops round theirs to whole ms. Of an answer only the status and the length are read.

Prints one JSON line. What is not answered `--limit` seconds after the last request was due counts as not 200, and with
the time that it had waited by then.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

from benchmarks.kept_connection import Connection

CONNECT_S = 5.0


@dataclass(slots=True)
class Seen:
    """In seconds: of each answer, how long after its time it came; of each request, how late it was taken up."""

    statuses: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    queued: int = 0


class Client:
    """Asks in open loop over a few connections."""

    def __init__(self, address: tuple[str, int], connections: int) -> None:
        self._address = address
        self._free = deque(self._connect() for _ in range(connections))
        self._busy: dict[socket.socket, Connection] = {}
        self._due: deque[tuple[float, bytes]] = deque()
        self.seen = Seen()

    def _connect(self) -> Connection:
        sock = socket.create_connection(self._address, CONNECT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(sock)

    def play(self, requests: Sequence[bytes], rate: float, limit_s: float) -> None:
        """Ask all requests, each when it is due, and wait for the answers."""
        began = time.monotonic()
        ends = began + len(requests) / rate + limit_s
        at = 0
        while at < len(requests) or self._due or self._busy:
            now = time.monotonic()
            while at < len(requests) and began + at / rate <= now:
                due = began + at / rate
                self.seen.late.append(now - due)
                self._due.append((due, requests[at]))
                at += 1
            self._send()
            if now > ends:
                break
            wakes = min(ends, began + at / rate) if at < len(requests) else ends
            ready, _, _ = select.select(list(self._busy), (), (), max(0.0, wakes - time.monotonic()))
            for sock in ready:
                self._read(self._busy[sock])
        now = time.monotonic()
        for due in [*(one.due for one in self._busy.values()), *(due for due, _ in self._due)]:
            self._tell(0, now - due)

    def _send(self) -> None:
        while self._due and self._free:
            due, request = self._due.popleft()
            connection = self._free.popleft()
            self._busy[connection.sock] = connection
            try:
                connection.ask(request, due)
            except OSError:
                self._lost(connection)
        self.seen.queued = max(self.seen.queued, len(self._due))

    def _read(self, connection: Connection) -> None:
        try:
            status = connection.answered()
        except OSError:
            self._lost(connection)
            return
        if status:
            self._tell(status, time.monotonic() - connection.due)
            del self._busy[connection.sock]
            self._free.append(connection)

    def _lost(self, connection: Connection) -> None:
        """No answer came, for the server ended the connection."""
        del self._busy[connection.sock]
        connection.sock.close()
        self._tell(0, time.monotonic() - connection.due)
        self._free.append(self._connect())

    def _tell(self, status: int, took: float) -> None:
        self.seen.statuses[status] += 1
        self.seen.took.append(took)


def spread(values_s: Iterable[float]) -> dict[str, float]:
    """Milliseconds to the microsecond at p50, p90, p99 (nearest rank) and the maximum, of durations in seconds."""
    ordered = sorted(values_s)
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(1000 * ordered[math.ceil(share * len(ordered)) - 1], 3) for name, share in shares.items()}


def measure(address: str, targets: Sequence[str], options: argparse.Namespace) -> dict[str, Any]:
    """Play the requests; what was seen."""
    host, _, port = address.rpartition(":")
    requests = [
        f"GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
        for target in islice(cycle(targets), max(1, int(options.rate * options.seconds)))
    ]
    client = Client((host, int(port)), options.connections)
    gc.disable()  # nothing here is a cycle
    began, busy = time.monotonic(), time.process_time()
    client.play(requests, options.rate, options.limit)
    cores = (time.process_time() - busy) / (time.monotonic() - began)
    seen = client.seen
    return {
        "sent": len(requests),
        "statuses": {str(status): number for status, number in seen.statuses.items()},
        "failed": round(1.0 - seen.statuses[200] / len(requests), 6),
        "latency_ms": spread(seen.took),
        "own_lateness_ms": spread(seen.late),
        "most_waiting": seen.queued,
        "cores": round(cores, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Requests at fixed times; targets come from the standard input.")
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--limit", type=float, default=2.0, help="seconds that the last answers may take")
    options = parser.parse_args()
    print(json.dumps(measure(options.address, sys.stdin.read().split(), options)))


if __name__ == "__main__":
    main()
