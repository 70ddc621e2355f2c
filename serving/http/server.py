"""How the application is served: uvicorn, on loopback unless told otherwise, with limits."""

from __future__ import annotations

import asyncio
from typing import Final

import h11
import msgspec
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.http.problem import MEDIA_TYPE, Problem

HEAD_BYTES: Final = 262_144
"""The longest request line and headers that are read; a shorter limit on the address is the application's own."""


HEAD_SECONDS: Final = 10.0
"""How long a request line and its headers may take to arrive, once the connection or the first byte is there."""


class ProblemProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, answering what is no HTTP as a problem too, and closing on heads that do not arrive.

    uvicorn waits for ever for the rest of a head; who opens many such connections would use up all there may be.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first head its time."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._close_unheard)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is waited for."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Give the head that begins here its time, and none to what is whole."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_is_there()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._close_unheard)

    def _head_is_there(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _close_unheard(self) -> None:
        self._head_timer = None
        if self.conn.their_state is h11.IDLE:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer and close."""
        body = msgspec.json.encode(Problem("unreadable", msg).as_dict())
        headers = [("content-type", MEDIA_TYPE), ("content-length", str(len(body))), ("connection", "close")]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
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
        h11_max_incomplete_event_size=HEAD_BYTES,
    )
