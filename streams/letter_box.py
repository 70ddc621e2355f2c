"""Dead letters to their topic: many to a batch, and in the end every one, whatever its size."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from recommender.reasons import DeadLetter

BATCH_LETTERS: Final = 1_000
BATCH_BYTES: Final = 500_000
"""A batch that stays well under a broker's usual limit of 1 MB."""

HEADERS_BYTES: Final = 1_300
"""The most that a letter's headers take."""

CUT_BYTES: Final = 900_000
"""What is kept of a letter that the broker does not take whole."""


class LetterBox:
    """Writes through a producer that its owner starts, stops and tries again with; raises its `KafkaError`s.

    A letter lies in the partition that has the number of its source, so that letters keep the order of their source.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        """Write letters of one partition; returns when all are acknowledged."""
        sent = [(together, await self._send(together)) for together in batches(letters)]
        outcomes = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
        for (together, _), outcome in zip(sent, outcomes, strict=True):
            if isinstance(outcome, MessageSizeTooLargeError):
                await self._again(together)
            elif isinstance(outcome, BaseException):
                raise outcome

    async def _again(self, refused: Sequence[DeadLetter]) -> None:
        if len(refused) > 1:
            for letter in refused:
                await self.put([letter])
        else:
            await (await self._send([cut(refused[0])]))

    async def _send(self, letters: Sequence[DeadLetter]) -> asyncio.Future[Any]:
        batch: Any = self._producer.create_batch()
        for letter in letters:
            batch.append(timestamp=None, key=letter.key, value=letter.value, headers=headers(letter))
        partitions = await self._producer.partitions_for(self._topic)
        partition = letters[0].partition % len(partitions)
        future: asyncio.Future[Any] = await self._producer.send_batch(batch, self._topic, partition=partition)
        return future


def batches(letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Letters in groups of at most 1,000 and, where there are more than one, 500,000 bytes."""
    together: list[DeadLetter] = []
    room = BATCH_BYTES
    for letter in letters:
        size = len(letter.key or b"") + len(letter.value or b"") + HEADERS_BYTES
        if together and (len(together) == BATCH_LETTERS or size > room):
            yield together
            together, room = [], BATCH_BYTES
        together.append(letter)
        room -= size
    if together:
        yield together


def cut(letter: DeadLetter) -> DeadLetter:
    """The letter with the first bytes of its value only, and its detail saying so."""
    size = len(letter.value or b"")
    detail = f"cut to its first {CUT_BYTES} of {size} bytes; {letter.detail}"
    return replace(letter, value=(letter.value or b"")[:CUT_BYTES], key=(letter.key or b"")[:256], detail=detail[:200])


def headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers of the contract: reason, detail, topic, partition, offset, index."""
    values = {
        "reason": letter.reason,
        "detail": letter.detail,
        "topic": letter.topic,
        "partition": str(letter.partition),
        "offset": str(letter.offset),
        "index": str(letter.index),
    }
    return [(name, value.encode("utf-8", "replace")) for name, value in values.items()]
