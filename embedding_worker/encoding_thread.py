"""One long-lived thread that encodes: queries ahead of items.

torch and tokenizers want one thread (sentence-transformers #1854, #1795; tokenizers #537), and
the event loop must not wait for them. Items are encoded piece by piece, so that a query waits for one piece at most.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from embedding_worker.counters import Counters
from embedding_worker.encoders.encoder import Encoder, EncoderError
from recommender.vectors import Vector

_PIECE_TEXTS: Final = 32
_PIECE_CHARS: Final = 8_000


@dataclass(order=True, slots=True)
class _Job:
    priority: int
    serial: int
    texts: list[str] = field(compare=False)
    done: Future[Vector] = field(compare=False)


class EncodingThread:
    """Makes an encoder in a thread of its own and encodes there.

    make: gives the encoder; runs in the thread, so that a slow import holds up nobody.
    """

    def __init__(self, make: Callable[[], Encoder], counters: Counters | None = None) -> None:
        self.counters = counters or Counters()
        self._make = make
        self._encoder: Future[Encoder] = Future()
        self._jobs: list[_Job] = []
        self._serial = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)

    def start(self) -> None:
        """Start the thread; `ready` tells when the encoder is there."""
        self._thread.start()

    async def ready(self) -> Encoder:
        """The encoder, once it is made; raises what making it raised."""
        return await asyncio.wrap_future(self._encoder)

    @property
    def encoder(self) -> Encoder | None:
        """The encoder, or None while there is none."""
        done = self._encoder.done() and not self._encoder.cancelled() and self._encoder.exception() is None
        return self._encoder.result() if done else None

    async def encode(self, texts: Sequence[str], urgent: bool = False) -> Vector:
        """Vectors float32 [n, dim]; urgent texts go ahead of all others. Raises what the encoder raises."""
        pieces = _pieces(texts)
        jobs = [_Job(0 if urgent else 1, next(self._serial), piece, Future()) for piece in pieces]
        with self._wake:
            if self._closed:
                raise EncoderError("the encoder is closed")
            for job in jobs:
                heapq.heappush(self._jobs, job)
            self._wake.notify()
        try:
            found = [await asyncio.wrap_future(job.done) for job in jobs]
        finally:
            for job in jobs:
                job.done.cancel()
        if urgent:
            self.counters.queries += len(texts)
        return np.concatenate(found) if found else np.zeros((0, (await self.ready()).dim), np.float32)

    def close(self) -> None:
        """End the thread after the piece it is at; what waits gets an `EncoderError`."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            encoder = self._make()
        except BaseException as error:
            self._encoder.set_exception(error)
            self._fail(error)
            return
        self._encoder.set_result(encoder)
        while (jobs := self._next()) is not None:
            self._work(encoder, jobs)
        self._fail(EncoderError("the encoder is closed"))

    def _next(self) -> list[_Job] | None:
        """The next piece; urgent ones that wait together are taken together."""
        with self._wake:
            while not self._jobs and not self._closed:
                self._wake.wait()
            if self._closed:
                return None
            jobs = [heapq.heappop(self._jobs)]
            while self._jobs and jobs[0].priority == self._jobs[0].priority == 0 and len(jobs) < _PIECE_TEXTS:
                jobs.append(heapq.heappop(self._jobs))
        return [job for job in jobs if job.done.set_running_or_notify_cancel()]

    def _work(self, encoder: Encoder, jobs: list[_Job]) -> None:
        if not jobs:
            return
        began = time.perf_counter()
        try:
            vectors = encoder.encode([text for job in jobs for text in job.texts])
        except Exception as error:
            self.counters.failed("encode", error)
            for job in jobs:
                job.done.set_exception(error)
            return
        finally:
            self.counters.encode_seconds += time.perf_counter() - began
        place = 0
        for job in jobs:
            job.done.set_result(vectors[place : place + len(job.texts)])
            place += len(job.texts)

    def _fail(self, error: BaseException) -> None:
        with self._wake:
            self._closed = True
            jobs, self._jobs = self._jobs, []
        for job in jobs:
            if job.done.set_running_or_notify_cancel():
                job.done.set_exception(error)


def _pieces(texts: Sequence[str]) -> list[list[str]]:
    pieces: list[list[str]] = []
    room = 0
    for text in texts:
        if not pieces or len(pieces[-1]) >= _PIECE_TEXTS or len(text) > room:
            pieces.append([])
            room = _PIECE_CHARS
        pieces[-1].append(text)
        room -= len(text)
    return pieces
