"""The query server and its client, without a model."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence

import httpx
import numpy as np
import pytest

from embedding_worker.encoders.encoder import Encoder
from embedding_worker.encoders.hashing import HashingEncoder
from embedding_worker.encoding_thread import EncodingThread
from embedding_worker.query_client import EncoderAwayError, QueryClient
from embedding_worker.query_server import QueryServer
from recommender.vectors import Vector


class Running:
    def __init__(self, make: type[HashingEncoder] = HashingEncoder) -> None:
        self.thread = EncodingThread(make)
        self.server = QueryServer(self.thread)
        self.port = 0

    async def start(self) -> "Running":
        self.thread.start()
        await self.thread.ready()
        self.port = await self.server.start()
        return self

    async def close(self) -> None:
        await self.server.close()
        self.thread.close()


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    found = await Running().start()
    yield found
    await found.close()


@pytest.fixture
async def client(running: Running) -> AsyncIterator[QueryClient]:
    found = QueryClient(f"http://127.0.0.1:{running.port}")
    yield found
    await found.close()


async def test_texts_come_back_as_the_encoder_has_them(client: QueryClient) -> None:
    texts = ["三体", "", "Alien (1979)", "😀", "\ud800 half a pair"]
    encoded = await client.encode(texts)
    np.testing.assert_array_equal(
        encoded.vectors, HashingEncoder().encode([t.encode("utf-8", "replace").decode() for t in texts])
    )
    assert encoded.space == HashingEncoder().space
    status = await client.status()
    assert status["ready"] is True
    assert (status["space"], status["dim"], status["queries"]) == (encoded.space, 256, 5)


async def test_many_questions_share_a_connection(client: QueryClient, running: Running) -> None:
    answers = await asyncio.gather(*(client.encode([f"text {number}"]) for number in range(300)))
    expected = HashingEncoder().encode([f"text {number}" for number in range(300)])
    np.testing.assert_array_equal(np.concatenate([answer.vectors for answer in answers]), expected)
    assert len(running.server._connections) == 1


async def test_what_was_asked_before_is_not_asked_again(client: QueryClient, running: Running) -> None:
    await client.encode(["again"])
    await client.encode(["again"])
    assert running.thread.counters.queries == 1


async def test_too_much_is_refused(client: QueryClient) -> None:
    with pytest.raises(ValueError, match="1 to 64"):
        await client.encode(["x"] * 65)
    with pytest.raises(ValueError, match="1 to 64"):
        await client.encode([])
    assert (await client.encode(["x" * 1_000_000])).vectors.shape == (1, 256)


async def test_nobody_there() -> None:
    client = QueryClient("127.0.0.1:9", timeout_s=0.5)
    with pytest.raises(EncoderAwayError, match="can't be reached"):
        await client.encode(["a"])
    await client.close()
    with pytest.raises(ValueError, match="host:port"):
        QueryClient("nowhere")


async def test_a_server_that_comes_back_is_found_again(running: Running) -> None:
    client = QueryClient(f"127.0.0.1:{running.port}", timeout_s=2)
    await client.encode(["a"])
    await running.server.close()
    await asyncio.sleep(0.05)
    with pytest.raises(EncoderAwayError):
        await client.encode(["b"])
    await running.server.start(port=running.port)
    assert (await client.encode(["b"])).vectors.shape == (1, 256)
    await client.close()


async def test_not_ready_slow_and_failing_are_said(running: Running) -> None:
    class Failing(HashingEncoder):
        def encode(self, texts: Sequence[str]) -> Vector:
            raise RuntimeError("out of order")

    broken = await Running(Failing).start()
    client = QueryClient(f"127.0.0.1:{broken.port}")
    with pytest.raises(EncoderAwayError, match="out of order"):
        await client.encode(["a"])
    await client.close()
    await broken.close()

    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def late() -> Encoder:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        return HashingEncoder()

    thread = EncodingThread(late)
    thread.start()
    server = QueryServer(thread)
    client = QueryClient(f"127.0.0.1:{await server.start()}")
    with pytest.raises(EncoderAwayError, match="not ready"):
        await client.encode(["a"])
    assert (await client.status())["ready"] is False
    release.set()
    await thread.ready()
    assert (await client.status())["ready"] is True
    await client.close()
    await server.close()
    thread.close()


@pytest.mark.parametrize(
    "noise", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x05hello", b"\x00\x00", b"POST / HTTP/1.1\r\n\r\n", b""]
)
async def test_noise_ends_only_its_own_connection(running: Running, client: QueryClient, noise: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(noise)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert (await client.encode(["a"])).vectors.shape == (1, 256)


async def test_health_and_metrics_over_http(running: Running, client: QueryClient) -> None:
    await client.encode(["a"])
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", trust_env=False) as http:
        assert (await http.get("/readyz")).json()["ready"] is True
        assert (await http.get("/healthz")).status_code == 200
        assert "coldspring_embedding_queries_total 1" in (await http.get("/metrics")).text
        assert (await http.get("/else")).status_code == 404


def test_the_client_and_the_worker_need_no_torch() -> None:
    program = (
        "import sys, embedding_worker, embedding_worker.query_client, embedding_worker.worker, embedding_worker.index;"
        "sys.exit('torch' in sys.modules or 'sentence_transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
