"""Writes checked events to Kafka: acknowledged by all replicas, each in the partition of its user or item."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from recommender.decision import decision_of
from recommender.events import Forget, Interaction, Item, Profile, encode
from recommender.partitioning import partition_of
from recommender.query import RecommendationList, Unavailable
from recommender.tasks import end
from recommender.topics import Topics
from serving.decision_queue import DecisionQueue
from serving.publishing import Written

log = logging.getLogger(__name__)

Record = tuple[str, bytes | None]
"""The id that decides on the partition, and the value."""


class KafkaPublisher:
    """A producer that is connected in the background, again and again: its owner starts although Kafka is away.

    Parameters
    ----------
    timeout_s
        How long a call waits for Kafka's word before it raises `Unavailable`. What was handed over by
        then may still be written; the same event_id makes a second try harmless.
    idempotent
        Have the broker leave out what a retry of the client would write twice.
    decisions_share
        The share of served lists that goes to `decisions`.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        *,
        timeout_s: float = 5.0,
        idempotent: bool = True,
        decisions_share: float = 1.0,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._bootstrap = bootstrap
        self._topics = topics
        self._timeout_s = timeout_s
        self._idempotent = idempotent
        self._now_ms = now_ms
        self._producer: AIOKafkaProducer | None = None
        self._wanted = asyncio.Event()
        self._tried = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._decisions = DecisionQueue(self._write_decisions, decisions_share)

    async def start(self) -> Self:
        """Begin to connect; returns after the first try, whether it succeeded or not."""
        self._wanted.set()
        self._keeper = asyncio.create_task(self._keep_connected())
        self._decisions.start()
        await self._tried.wait()
        return self

    async def close(self) -> None:
        """Write what is under way, and stop."""
        await self._decisions.close()
        if self._keeper is not None:
            await end(self._keeper)
        if self._producer is not None:
            await _stop(self._producer, self._timeout_s)
            self._producer = None

    async def publish_interactions(self, events: Sequence[Interaction]) -> list[Written]:
        """Write interactions, each to its user's partition."""
        return await self._write("interactions", [(event.user_id, encode(event)) for event in events])

    async def publish_items(self, events: Sequence[Item]) -> list[Written]:
        """Announce items."""
        return await self._write("items", [(event.item_id, encode(event)) for event in events])

    async def publish_profiles(self, events: Sequence[Profile]) -> list[Written]:
        """Write what users say of themselves."""
        return await self._write("profiles", [(event.user_id, encode(event)) for event in events])

    async def publish_forget(self, event: Forget) -> Written:
        """Ask for a user to be forgotten."""
        return (await self._write("forgets", [(event.user_id, encode(event))]))[0]

    async def remove_item(self, item_id: str) -> Written:
        """Withdraw an item: an empty value under its id."""
        return (await self._write("items", [(item_id, None)]))[0]

    def decision(self, served: RecommendationList) -> None:
        """Hand on a served list; never waits, never fails."""
        self._decisions.offer(served)

    async def _write(self, topic: str, records: Sequence[Record]) -> list[Written]:
        producer = self._connected()
        name, count = self._topics.name(topic), self._topics.count(topic)
        try:
            async with asyncio.timeout(self._timeout_s):
                sent = [
                    await producer.send(name, value, key=key.encode(), partition=partition_of(key, count))
                    for key, value in records
                ]
                outcomes = await asyncio.gather(*sent, return_exceptions=True)
            written: list[Written] = []
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
                written.append(Written(outcome.partition, outcome.offset))
        except TimeoutError:
            raise Unavailable("Kafka did not confirm in time") from None
        except (KafkaError, AssertionError) as error:  # aiokafka asserts that a partition exists
            self._replace(producer)
            raise Unavailable(f"Kafka does not take events now: {type(error).__name__}") from error
        return written

    async def _write_decisions(self, served: Sequence[RecommendationList]) -> None:
        now = self._now_ms()
        await self._write(
            "decisions",
            [(each.user_id or each.request_id, msgspec.json.encode(decision_of(each, now))) for each in served],
        )

    def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise Unavailable("Kafka is not reachable")
        return self._producer

    def _replace(self, broken: AIOKafkaProducer) -> None:
        """A producer that met an error may never write again (a lost sequence number): have another made."""
        if self._producer is broken:
            self._producer = None
            self._wanted.set()

    async def _keep_connected(self) -> None:
        broken: AIOKafkaProducer | None = None
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if broken is not None:
                await _stop(broken, 1.0)
            while (broken := await self._connect()) is None:
                self._tried.set()
                await asyncio.sleep(0.5)
            self._producer = broken
            self._tried.set()

    async def _connect(self) -> AIOKafkaProducer | None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=self._idempotent,
            request_timeout_ms=max(1_000, int(self._timeout_s * 1_000)),
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                await producer.start()
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("Kafka at %s is not reachable: %s", self._bootstrap, type(error).__name__)
            await _stop(producer, 1.0)
            return None
        return producer


async def _stop(producer: AIOKafkaProducer, within_s: float) -> None:
    """Stop a producer; it would wait for ever for a broker that is away."""
    try:
        async with asyncio.timeout(within_s):
            await producer.stop()
    except (KafkaError, TimeoutError, OSError):
        with suppress(KafkaError, OSError):
            await producer._sender.close()  # its `stop` was still waiting for the last batch
            await producer.client.close()
