"""Questions that share a connection to Redis: each has its own answer or error, and together they cost few reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis import exceptions

from serving.views.line import Line, single, transaction
from serving.views.redis_model import connect
from streams.local_store import LocalStore
from streams.redis_store import connect as connect_writer


class Rig:
    """A line, and somebody else who writes."""

    def __init__(self, store: LocalStore, timeout_s: float = 5.0) -> None:
        self.store = store
        self.writer: Any = connect_writer(store.url)
        self.client: Any = connect(store.url, timeout_s)
        self.line = Line(self.client)

    async def value(self, key: str) -> bytes | None:
        found: bytes | None = await self.line.ask(single("GET", key))
        return found

    async def close(self) -> None:
        await self.client.aclose()
        self.writer.close()


@pytest.fixture
async def rig(embedded_store: LocalStore) -> AsyncIterator[Rig]:
    made = Rig(embedded_store)
    for n in range(100):
        made.writer.set(f"k{n}", n)
    yield made
    await made.close()


async def test_each_has_its_own_answer_and_together_they_are_few_reads(rig: Rig) -> None:
    assert await rig.value("k1") == b"1"
    before = rig.writer.info("stats")["total_reads_processed"]
    questions = [transaction([("GET", f"k{n}"), ("MGET", f"k{n}", "none")]) for n in range(100)]
    answers = await asyncio.gather(*map(rig.line.ask, questions))
    assert answers == [[b"%d" % n, [b"%d" % n, None]] for n in range(100)]
    assert rig.writer.info("stats")["total_reads_processed"] - before <= 6


async def test_a_question_that_fails_harms_no_other(rig: Rig) -> None:
    wrong = transaction([("GET", "k1"), ("LRANGE", "k1", 0, -1)])
    unknown = transaction([("GET", "k1"), ("NOSUCH", "k1")])
    asked = [single("GET", "k1"), wrong, single("GET", "k2"), unknown, single("NOSUCH"), single("GET", "k3")]
    answers = await asyncio.gather(*map(rig.line.ask, asked), return_exceptions=True)
    assert answers[::2][:2] == [b"1", b"2"]
    assert answers[5] == b"3"
    assert all(isinstance(answers[place], exceptions.ResponseError) for place in (1, 3, 4))


async def test_who_asked_may_go(rig: Rig) -> None:
    await rig.value("k1")
    tasks = [asyncio.ensure_future(rig.value(f"k{n}")) for n in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[1::2] == [b"%d" % n for n in range(1, 10, 2)]
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])


async def test_a_lost_connection_is_opened_again(rig: Rig) -> None:
    await rig.value("k1")
    rig.writer.client_kill_filter(_type="normal", skipme=True)
    await asyncio.sleep(0.05)
    assert await rig.value("k2") == b"2"
    # Lost while it waits: it fails, and those that were not sent yet are.
    rig.writer.execute_command("CLIENT", "PAUSE", "2000", "ALL")
    asked = [asyncio.ensure_future(rig.value(f"k{n}")) for n in range(3)]
    await asyncio.sleep(0.05)
    rig.client.connection_pool._in_use_connections.copy().pop()._writer.transport.abort()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[0], exceptions.ConnectionError)
    assert answers[1:] == [b"1", b"2"]


async def test_a_store_that_does_not_answer_is_waited_for_so_long(embedded_store: LocalStore) -> None:
    rig = Rig(embedded_store, timeout_s=0.2)
    rig.writer.set("k1", 1)
    assert await rig.value("k1") == b"1"
    rig.writer.execute_command("CLIENT", "PAUSE", "600", "ALL")
    answers = await asyncio.gather(*(rig.value("k1") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, exceptions.TimeoutError) for answer in answers)
    await asyncio.sleep(0.7)
    assert await rig.value("k1") == b"1"
    await rig.close()


async def test_a_store_that_is_away_comes_back(rig: Rig) -> None:
    await rig.value("k1")
    rig.store.close()
    for _ in range(2):
        answers = await asyncio.gather(*(rig.value("k1") for _ in range(3)), return_exceptions=True)
        assert all(isinstance(answer, exceptions.ConnectionError) for answer in answers)
    rig.store.restart()
    rig.writer.set("k1", "again")
    assert await rig.value("k1") == b"again"


async def test_a_question_sees_one_state(rig: Rig) -> None:
    """Both keys are always written together."""
    rig.writer.mset({"a": 0, "b": 0})
    done = asyncio.Event()

    def write() -> None:
        for n in range(500):
            rig.writer.mset({"a": n, "b": n})

    async def ask() -> None:
        while not done.is_set():
            first, second = await rig.line.ask(transaction([("GET", "a"), ("GET", "b")]))
            assert first == second

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    await asyncio.to_thread(write)
    done.set()
    await asyncio.gather(*asking)
