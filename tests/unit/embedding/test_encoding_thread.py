"""The encoding thread: order, errors, the end; and encoding that does not give up."""

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from embedding_worker.encoders.encoder import EncoderError
from embedding_worker.encoders.hashing import HashingEncoder
from embedding_worker.encoding_thread import EncodingThread
from embedding_worker.steady_encoding import TRIES, encode_all
from recommender.vectors import Vector


class Watched(HashingEncoder):
    """Notes what it encodes; fails as told; can be held."""

    def __init__(self) -> None:
        super().__init__(32)
        self.seen: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.fails_on: set[str] = set()
        self.fails_next = 0

    def encode(self, texts: Sequence[str]) -> Vector:
        self.gate.wait(10)
        self.seen.append(list(texts))
        if self.fails_next > 0:
            self.fails_next -= 1
            raise RuntimeError("not now")
        if self.fails_on & set(texts):
            raise RuntimeError("not this")
        return super().encode(texts)


async def started(encoder: Watched) -> EncodingThread:
    thread = EncodingThread(lambda: encoder)
    thread.start()
    assert await thread.ready() is encoder
    return thread


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)


async def test_vectors_come_back_in_order() -> None:
    thread = await started(Watched())
    texts = [f"text {number}" * (number % 40) for number in range(200)]
    np.testing.assert_array_equal(await thread.encode(texts), HashingEncoder(32).encode(texts))
    assert (await thread.encode([])).shape == (0, 32)
    thread.close()


async def test_queries_go_ahead_of_items() -> None:
    encoder = Watched()
    thread = await started(encoder)
    encoder.gate.clear()
    items = asyncio.create_task(thread.encode([f"item {number}" for number in range(320)]))
    await asyncio.sleep(0.05)
    queries = [asyncio.create_task(thread.encode([f"query {number}"], urgent=True)) for number in range(3)]
    await asyncio.sleep(0.05)
    encoder.gate.set()
    await asyncio.gather(items, *queries)
    # The piece under way is finished, then all that is urgent goes at once, then the rest.
    assert sorted(encoder.seen[1]) == ["query 0", "query 1", "query 2"]
    assert len(encoder.seen) == 11
    thread.close()


async def test_who_stopped_waiting_is_not_worked_for() -> None:
    encoder = Watched()
    thread = await started(encoder)
    encoder.gate.clear()
    first = asyncio.create_task(thread.encode(["first"]))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(thread.encode(["second"]))
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    encoder.gate.set()
    await first
    await thread.encode(["third"])
    assert encoder.seen == [["first"], ["third"]]
    thread.close()


async def test_an_encoder_that_can_not_be_made_is_an_error_for_all() -> None:
    def make() -> Watched:
        raise EncoderError("no such model")

    thread = EncodingThread(make)
    thread.start()
    with pytest.raises(EncoderError, match="no such model"):
        await thread.ready()
    with pytest.raises(EncoderError):
        await thread.encode(["a"])
    assert thread.encoder is None
    thread.close()


async def test_after_the_end_there_are_errors_not_silence() -> None:
    thread = await started(Watched())
    thread.close()
    with pytest.raises(EncoderError, match="closed"):
        await thread.encode(["a"])


async def test_an_encoder_that_fails_half_the_time_loses_nothing() -> None:
    encoder = Watched()
    thread = await started(encoder)
    encoder.fails_next = 25
    texts = [f"t{number}" for number in range(16)]
    vectors = await encode_all(thread, texts, no_sleep)
    assert all(vector is not None for vector in vectors)
    np.testing.assert_array_equal(np.stack([v for v in vectors if v is not None]), HashingEncoder(32).encode(texts))
    assert thread.counters.encode_errors == 25
    assert "not now" in thread.counters.last_error
    thread.close()


async def test_a_text_that_can_not_be_encoded_is_found_and_named() -> None:
    encoder = Watched()
    thread = await started(encoder)
    encoder.fails_on = {"bad"}
    vectors = await encode_all(thread, ["a", "b", "bad", "c"], no_sleep)
    assert [vector is None for vector in vectors] == [False, False, True, False]
    thread.close()


async def test_an_encoder_that_fails_at_everything_is_waited_for() -> None:
    encoder = Watched()
    thread = await started(encoder)
    encoder.fails_next = 5 * TRIES
    vectors = await encode_all(thread, ["a"], no_sleep)
    assert vectors[0] is not None
    thread.close()
