"""What the worker publishes: dead letters and examples. Acknowledged before a position moves on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from recommender.events import Forget, encode
from recommender.partitioning import partition_of
from recommender.reasons import DeadLetter
from recommender.topics import Topics
from streams.letter_box import BATCH_BYTES, LetterBox

logger = logging.getLogger(__name__)
RETRY_S = 1.0


class Example(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event as the trainer learns from it; y is its weight.

    request_id: of choices and impressions, the list that they belong to; items: of an impression, the list as shown;
    context: what `contexts` learns from.
    """

    user_id: str
    item_id: str
    y: float
    type: str
    timestamp: int
    event_id: str | None = None
    request_id: str | None = None
    items: list[str] | None = None
    context: dict[str, Any] | None = None

    @property
    def identity(self) -> str:
        """What decides on the shares that the event is in."""
        return self.event_id or f"{self.user_id} {self.timestamp}"


class Outbox:
    """A producer that waits and goes on while Kafka is away."""

    def __init__(self, bootstrap: str, topics: Topics) -> None:
        self._topics = topics
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", linger_ms=0, max_batch_size=2 * BATCH_BYTES
        )
        self._letters = LetterBox(self._producer, topics.dead_letters)

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is left, and disconnect."""
        await self._producer.stop()

    async def dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Set bytes aside with the reason; returns when all are acknowledged."""
        await self._insistently(lambda: self._letters.put(letters))

    async def examples(self, examples: Sequence[Example], most: int = 200) -> None:
        """Hand events to the trainer, in envelopes."""
        parts = [examples[at : at + most] for at in range(0, len(examples), most)]
        await self._acknowledged(
            [{"topic": self._topics.examples, "partition": 0, "value": msgspec.json.encode(part)} for part in parts]
        )

    async def forgets(self, forgets: Sequence[Forget]) -> None:
        """Have more users forgotten: what was the same person as somebody forgotten."""
        topic, partitions = self._topics.forgets, self._topics.partitions
        await self._acknowledged(
            [
                {
                    "topic": topic,
                    "partition": partition_of(forget.user_id, partitions),
                    "key": forget.user_id.encode(),
                    "value": encode(forget),
                }
                for forget in forgets
            ]
        )

    async def _acknowledged(self, messages: Sequence[dict[str, Any]]) -> None:
        async def send() -> None:
            sent = [await self._producer.send(**message) for message in messages]
            await asyncio.gather(*sent)

        await self._insistently(send)

    async def _insistently(self, send: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await send()
                return
            except KafkaError as error:
                # A part may be there already; every topic's entries are identified, so twice is harmless.
                logger.warning("Kafka takes no messages (%s); trying again", type(error).__name__)
                await asyncio.sleep(RETRY_S)
