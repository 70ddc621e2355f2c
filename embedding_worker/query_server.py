"""Encodes free texts for other processes, ahead of items, so that only this one holds a model.

Plain streams on loopback (`query_protocol`): 0.2 ms around the encoder's own time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import msgspec

from embedding_worker.encoding_thread import EncodingThread
from embedding_worker.query_protocol import (
    LENGTH,
    MAX_CHARS,
    MAX_TEXTS,
    Answer,
    FrameError,
    Question,
    pack,
    read_frame,
)
from recommender.tasks import end

log = logging.getLogger(__name__)

_WAITING: Final = 64
_HTTP_LIMIT: Final = 8_192
_HTTP_PATIENCE_S: Final = 5.0


class QueryServer:
    """Answers questions with the vectors of an `EncodingThread`.

    settled: does the worker handle items already? Only for the status: texts are answered as soon as the encoder
    is there.
    """

    def __init__(self, thread: EncodingThread, settled: Callable[[], bool] = lambda: True) -> None:
        self._thread = thread
        self._settled = settled
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port. Raises `OSError` if the address is taken."""
        self._server = await asyncio.start_server(self._connected, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end the connections."""
        if self._server is not None:
            self._server.close()
        await end(*self._connections)

    def status(self) -> dict[str, int | float | str | bool]:
        """Readiness, space and counters."""
        encoder = self._thread.encoder
        told: dict[str, int | float | str | bool] = dict(self._thread.counters.as_dict())
        told.update(ready=encoder is not None and self._settled(), model="", space="", dim=0, form="")
        if encoder is not None:
            told.update(model=encoder.model, space=encoder.space, dim=encoder.dim, form=encoder.form)
        return told

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            head = await reader.readexactly(LENGTH.size)
            if head == b"GET ":
                await asyncio.wait_for(self._http(reader, writer), _HTTP_PATIENCE_S)
            else:
                await self._questions(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError, asyncio.CancelledError):
            # The other side went, or we do: there is nobody left to tell.
            return
        finally:
            writer.close()

    async def _questions(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that asks faster than it is answered is not read on.
        room = asyncio.Semaphore(_WAITING)
        async with asyncio.TaskGroup() as answers:
            try:
                while True:
                    question = await read_frame(reader, head, Question)
                    await room.acquire()
                    task = answers.create_task(self._reply(question, writer))
                    task.add_done_callback(lambda _: room.release())
                    head = await reader.readexactly(LENGTH.size)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            except FrameError as error:
                log.warning("a connection was closed: %s", error)

    async def _reply(self, question: Question, writer: asyncio.StreamWriter) -> None:
        answer = await self._answer(question)
        try:
            writer.write(pack(answer))
            await writer.drain()
        except ConnectionError:
            return

    async def _answer(self, question: Question) -> Answer:
        number, texts = question.number, question.texts
        if texts is None:
            return Answer(number, status=self.status())
        if len(texts) > MAX_TEXTS or any(len(text) > MAX_CHARS for text in texts):
            return Answer(number, error=f"at most {MAX_TEXTS} texts of {MAX_CHARS} characters are accepted")
        encoder = self._thread.encoder
        if encoder is None:
            return Answer(number, error="the encoder is not ready")
        try:
            vectors = await self._thread.encode(texts, urgent=True)
        except Exception as error:
            log.exception("a query could not be encoded")
            return Answer(number, error=f"{type(error).__name__}: {str(error)[:200]}")
        return Answer(number, space=encoder.space, dim=encoder.dim, vectors=vectors.astype("<f4").tobytes())

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return
        path = request[:_HTTP_LIMIT].split(b" ", 1)[0].split(b"?", 1)[0]
        status, kind, body = self._page(path)
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        await writer.drain()

    def _page(self, path: bytes) -> tuple[HTTPStatus, str, bytes]:
        status = self.status()
        if path == b"/metrics":
            return HTTPStatus.OK, "text/plain; version=0.0.4", self._thread.counters.prometheus().encode()
        if path not in {b"/healthz", b"/readyz", b"/"}:
            return HTTPStatus.NOT_FOUND, "application/json", b"{}"
        ready = path != b"/readyz" or status["ready"]
        found = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return found, "application/json", msgspec.json.encode(status)
