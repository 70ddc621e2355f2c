"""How the application is served: uvicorn, on loopback unless told otherwise, with limits."""

from __future__ import annotations

import asyncio
import http
from typing import Final

import msgspec
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.http.problem import MEDIA_TYPE, Problem

HEAD_BYTES: Final = 262_144
"""The longest request line and headers that are read; a shorter limit on the address is the application's own."""

URL_BYTES: Final = 65_535
"""The longest address that llhttp takes apart."""
HEAD_SECONDS: Final = 10.0
"""How long a request line and its headers may take to arrive, once the connection or the first byte is there."""


class ProblemProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 over llhttp, answering what is no HTTP as a problem too, and closing on heads that do not
    arrive.

    uvicorn waits for ever for the rest of a head, and takes one of any length; who opens many such connections would
    use up all there may be.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _awaits_head = True
    """Is the rest of a request line or of headers still to come?"""
    _reads_body = False
    url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first head its time."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._close_unheard)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is waited for."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Give the head that begins here its time and its length, and none to what is whole."""
        self._awaits_head = self._awaits_head or not self._reads_body  # what follows a request is the next one's head
        super().data_received(data)
        if not self._awaits_head:
            self._head_is_there()
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._head_is_there()
            self.send_400_response(f"the head of a request has at most {HEAD_BYTES} bytes")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._close_unheard)

    def on_message_begin(self) -> None:
        """Called by the parser with the first byte of a request."""
        super().on_message_begin()
        self._awaits_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Called by the parser at the end of a head."""
        self._awaits_head, self._reads_body = False, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Called by the parser at the end of a request."""
        self._reads_body = False
        super().on_message_complete()

    def _head_is_there(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _close_unheard(self) -> None:
        self._head_timer = None
        if self._awaits_head:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer and close."""
        problem = Problem("unreadable", msg)
        if len(self.url) > URL_BYTES:
            problem = Problem("too-large", f"an address has at most {URL_BYTES} bytes")
        body = msgspec.json.encode(problem.as_dict())
        status = http.HTTPStatus(problem.status)
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def server_config(app: FastAPI, *, host: str = "127.0.0.1", port: int = 8000, drain_s: int = 5) -> uvicorn.Config:
    """The configuration for `uvicorn.Server`; answers under way get `drain_s` seconds at its end.

    No access log: its lines would hold the ids of users. No word about the server's make.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=ProblemProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=drain_s,
    )
