"""The door on a real port: what only a socket can send."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from serving.http import server as http_server
from serving.http.bodies import Limits
from tests.unit.fakes.running import RunningServer


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(limits=Limits(body_bytes=100_000, body_seconds=0.3)) as running:
        yield running


def talk(server: RunningServer, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes, read until the server closes or the answer is whole."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(sent)
        stream = connection.makefile("rb")
        status = int(stream.readline().split()[1])
        headers = {}
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, stream.read(int(headers.get("content-length", 0)))


def head(verb: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{verb} {path} HTTP/1.1", "Host: here", *lines, "", ""]).encode()


def test_an_encoded_slash_stays_in_its_segment(server: RunningServer) -> None:
    status, headers, body = talk(server, head("GET", "/v1/users/a%2Fb%3F%F0%9F%8E%AC:x/recommendations"))
    assert (status, json.loads(body)["user_id"]) == (200, "a/b?🎬:x")
    assert "server" not in headers


def test_what_is_no_http(server: RunningServer) -> None:
    for sent in (
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        "GET /é HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    ):
        status, headers, body = talk(server, sent)
        assert (status, headers["content-type"]) == (400, "application/problem+json")
        assert json.loads(body)["status"] == 400


def test_an_address_of_100_kb(server: RunningServer) -> None:
    status, headers, _ = talk(server, head("GET", "/v1/trending?x=" + "y" * 100_000))
    assert (status, headers["content-type"]) == (413, "application/problem+json")


def test_a_head_without_an_end(server: RunningServer) -> None:
    for endless in (b"GET / HTTP/1.1\r\nx: ", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000):
        status, headers, _ = talk(server, endless + b"y" * 300_000)
        assert (status, headers["connection"]) == (400, "close")


def test_a_chunked_body_without_an_end(server: RunningServer) -> None:
    chunk = b"%x\r\n%b\r\n" % (40_000, b" " * 40_000)
    status, headers, _ = talk(server, head("POST", "/v1/events", "Transfer-Encoding: chunked") + chunk * 3)
    assert (status, headers["connection"]) == (413, "close")


def test_a_slow_body(server: RunningServer) -> None:
    status, headers, _ = talk(server, head("POST", "/v1/events", "Content-Length: 10") + b"{")
    assert (status, headers["connection"]) == (408, "close")


def test_an_announced_length_is_enough(server: RunningServer) -> None:
    assert talk(server, head("POST", "/v1/events", "Content-Length: 100001"))[0] == 413


def test_head_has_a_length_and_no_body(server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head("HEAD", "/healthz") + head("GET", "/healthz", "Connection: close"))
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    assert received.count(b"HTTP/1.1 200") == 2
    assert received.count(b'{"status":"alive"}') == 1


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"\r\n", head("GET", "/healthz") + b"GET /hea", head("GET", "/healthz") + b"\r\n"],
    ids=["none", "half", "empty line", "second", "second, empty line"],
)
def test_a_head_that_does_not_arrive_is_not_waited_for(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.3)
    with RunningServer() as running, socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65_536):  # the end is the server's
            received += piece
        assert received.count(b"HTTP/1.1 200") == (b"healthz" in sent)
        assert talk(running, head("GET", "/healthz"))[0] == 200


def test_a_connection_that_rests_between_two_requests_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.1)
    with RunningServer() as running, socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        for _ in range(2):
            connection.sendall(head("GET", "/healthz"))
            received = b""
            while b"alive" not in received:
                received += connection.recv(65_536)
            time.sleep(0.4)


def test_hundreds_of_slow_bodies_hold_nobody_up(server: RunningServer) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(300)]
    for connection in slow:
        connection.sendall(head("POST", "/v1/events", "Content-Length: 10") + b"{")
    assert talk(server, head("GET", "/v1/users/u1/recommendations"))[0] == 200
    for connection in slow:
        assert b" 408 " in connection.recv(65_536)
        connection.close()
