"""Asks the query server for the vectors of texts. Needs no torch."""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from embedding_worker.query_protocol import (
    LENGTH,
    MAX_CHARS,
    MAX_FRAME,
    MAX_TEXTS,
    Answer,
    FrameError,
    Question,
    pack,
    read_frame,
)
from recommender.tasks import end
from recommender.vectors import Vector

_REMEMBERED: Final = 1_024


class EncoderAwayError(RuntimeError):
    """The embedding worker does not answer, is not ready, or could not encode; the message says which."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors float32 [n, dim] of length one, and the space that they belong to."""

    space: str
    vectors: Vector


class QueryClient:
    """One connection with many questions under way; opened when first needed, and again after it broke.

    address: host:port, or the same as a URL. timeout_s: for an answer, connecting included. The
    vectors of the last thousand single texts are remembered: profiles are asked for again and again.
    """

    def __init__(self, address: str, timeout_s: float = 2.0) -> None:
        parts = urlsplit(address if "//" in address else f"//{address}")
        if not parts.hostname or not parts.port:
            raise ValueError(f"an address is host:port, got {address!r}")
        self._host, self._port = parts.hostname, parts.port
        self._timeout_s = timeout_s
        self._numbers = itertools.count(1)
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._opening = asyncio.Lock()
        self._remembered: OrderedDict[str, Encoded] = OrderedDict()

    async def encode(self, texts: Sequence[str]) -> Encoded:
        """The vectors of up to 64 texts, each cut to 20,000 characters. Raises `EncoderAwayError`."""
        if not 1 <= len(texts) <= MAX_TEXTS:
            raise ValueError(f"1 to {MAX_TEXTS} texts, got {len(texts)}")
        cut = [text[:MAX_CHARS].encode("utf-8", "replace").decode() for text in texts]
        if len(cut) == 1 and cut[0] in self._remembered:
            self._remembered.move_to_end(cut[0])
            return self._remembered[cut[0]]
        answer = await self._ask(cut)
        if answer.error:
            raise EncoderAwayError(answer.error)
        vectors = np.frombuffer(answer.vectors, "<f4").astype(np.float32)
        if answer.dim < 1 or vectors.size != len(cut) * answer.dim:
            raise EncoderAwayError(f"the answer has {vectors.size} numbers for {len(cut)} texts")
        encoded = Encoded(answer.space, vectors.reshape(len(cut), answer.dim))
        if len(cut) == 1:
            self._remembered[cut[0]] = encoded
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return encoded

    async def status(self) -> dict[str, int | float | str | bool]:
        """ready, model, space, dim, form and the counters. Raises `EncoderAwayError`."""
        return (await self._ask(None)).status or {}

    async def close(self) -> None:
        """End the connection; what waits for an answer gets an `EncoderAwayError`."""
        reading, self._reading = self._reading, None
        if reading is not None:
            await end(reading)

    async def _ask(self, texts: list[str] | None) -> Answer:
        number = next(self._numbers)
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout_s):
                writer = await self._connection()
                self._waiting[number] = waiting
                writer.write(pack(Question(number, texts)))
                await writer.drain()
                return await waiting
        except TimeoutError:
            raise EncoderAwayError(f"no answer within {self._timeout_s:g} s") from None
        except OSError as error:
            raise EncoderAwayError(f"the embedding worker can't be reached: {error}") from error
        finally:
            self._waiting.pop(number, None)

    async def _connection(self) -> asyncio.StreamWriter:
        async with self._opening:
            if self._writer is None or self._reading is None or self._reading.done():
                reader, self._writer = await asyncio.open_connection(self._host, self._port)
                # A worker that came back may have another model.
                self._remembered.clear()
                self._reading = asyncio.create_task(self._read(reader, self._writer))
            return self._writer

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                answer = await read_frame(reader, await reader.readexactly(LENGTH.size), Answer, 16 * MAX_FRAME)
                waiting = self._waiting.pop(answer.number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        except (asyncio.IncompleteReadError, OSError, FrameError):
            # The end of the connection is told to whoever waits, below.
            return
        finally:
            writer.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(EncoderAwayError("the embedding worker closed the connection"))
