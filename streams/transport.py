"""Faust's Kafka transport, changed in five places.

- A partition's fetched records become one message, where they are fetched (Faust spends some
  0.1 ms on every message, whatever it holds).
- After an assignment the consumer continues where the state says, not where Kafka's committed
  offset says. `seek_to_committed` is the one place that Faust calls on every such path: after a
  rebalance, after recovery, and when a fetch returns while the flow is stopped.
- Only committed records are read, and what no reader sees (aborted records, transaction marks) moves positions too.
- While records come, a fetch waits for more of them: fewer, larger batches.
- An offset that Kafka does not hold is no reason to go on elsewhere: where to is asked again, like after an assignment.

The overridden methods belong to pinned versions; `tests/unit/streams/test_transport.py` fails
when one of them changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, cast

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.serializers.codecs import Codec
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from yarl import URL

from streams.batch import Batch

logger = logging.getLogger(__name__)

Positions = Callable[[Iterable[TP]], Awaitable[dict[TP, int]]]
"""Where to continue each partition, as the state has it."""


FETCH_WAIT_MS = 25
"""A waiting fetch costs a broker little; the embedded one answers it only when this time is over."""

BUSY_FETCH_WAIT_MS = 16
"""While records come, more are on their way: a batch costs some 3 ms of all processes together, whatever it holds."""

CROWDED_FETCH_WAIT_MS = 150
"""While many come: so many larger batches leave more of the machine to those who answer."""

CROWD_BYTES_PER_MS = 200
"""Some two thousand events a second are many. Not by the size of a fetch: a longer wait would make its own reason."""

COMPANY_BYTES = 1_000_000
"""Whoever waits for company asks the broker for so much, or for what there is when the wait is over."""


RETURN_S = 1.0
"""Between two journeys of a partition whose offset is out of range."""


class PassThrough(Codec):
    """No decoding: a message's value is the batch that the transport made, or bytes."""

    def _loads(self, data: Any) -> Any:
        return data

    def _dumps(self, obj: Any) -> Any:
        return obj


class _Fetched:
    """A batch in the shape of a Kafka record, for Faust's `_to_message`."""

    headers = None
    key = None
    checksum = None
    serialized_key_size = 0
    serialized_value_size = 0

    def __init__(self, batch: Batch) -> None:
        self.topic = batch.topic
        self.partition = batch.partition
        self.offset = batch.next - 1
        self.timestamp = batch.records[-1].timestamp if batch.records else 0
        self.timestamp_type = 0
        self.value = batch


class _Thread(driver.AIOKafkaConsumerThread):
    """Aiokafka's own thread: here a fetch and its positions are taken in one go, without a seek in between."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._close_thread_loop_on_stop = True
        self._begins: dict[TP, int] = {}

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust reads committed records only in its exactly-once mode, which we do not use.
        consumer._isolation_level = "read_committed"
        patience_ms = cast("BatchTransport", transport).patience_ms
        consumer._fetch_max_wait_ms = patience_ms or FETCH_WAIT_MS
        consumer._fetch_min_bytes = COMPANY_BYTES if patience_ms else 1
        return consumer

    async def _seek_wait(self, consumer: AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        self._begins.update(partitions)
        await super()._seek_wait(consumer, partitions)

    async def _fetch_records(self, consumer: AIOKafkaConsumer, *args: Any, **kwargs: Any) -> Any:
        try:
            fetched = await super()._fetch_records(consumer, *args, **kwargs)
        except NoOffsetForPartitionError:
            return {}  # assigned a moment ago: where to begin is on its way
        except OffsetOutOfRangeError as error:
            tps = {TP(tp.topic, tp.partition) for tp in error.args[0]}
            cast("BatchConsumer", self.consumer).out_of_range(tps)
            return {}
        if not cast("BatchTransport", self.transport).patience_ms:
            consumer._fetcher._fetch_max_wait_ms = wait_ms(fetched.values(), consumer._fetcher._fetch_max_wait_ms)
            consumer._fetcher._fetch_min_bytes = COMPANY_BYTES if fetched else 1
        batches = {tp: [_Fetched(self._batch(consumer, tp, records))] for tp, records in fetched.items()}
        for tp, begin in list(self._begins.items()):
            # Aborted records and transaction marks alone are no records: aiokafka passes over them in silence.
            position = _position(consumer, tp)
            if tp not in batches and position is not None and position > begin:
                batches[tp] = [_Fetched(self._batch(consumer, tp, []))]
        return batches

    def _batch(self, consumer: AIOKafkaConsumer, tp: TP, records: list[Any]) -> Batch:
        # The position may lie behind records that nobody sees: aborted ones and transaction marks.
        position = _position(consumer, tp)
        if position is None:
            position = records[-1].offset + 1
        begin = self._begins.get(tp, records[0].offset if records else position)
        self._begins[tp] = position
        return Batch(tp.topic, tp.partition, begin, position, records)


def wait_ms(fetched: Iterable[Sequence[Any]], waited_ms: int) -> int:
    """How long the next fetch waits for company after one that waited so long and brought these partitions' records."""
    sizes = [record.serialized_value_size for records in fetched for record in records]
    if not sizes:
        return FETCH_WAIT_MS
    many = sum(map(max, sizes, repeat(0))) >= CROWD_BYTES_PER_MS * max(waited_ms, BUSY_FETCH_WAIT_MS)
    return CROWDED_FETCH_WAIT_MS if many else BUSY_FETCH_WAIT_MS


def _position(consumer: AIOKafkaConsumer, tp: TP) -> int | None:
    """Where the next fetch of a partition begins; None while that is not known, or it is not ours."""
    subscription = consumer._subscription.subscription
    if subscription is None or subscription.assignment is None or tp not in subscription.assignment.tps:
        return None
    state = subscription.assignment.state_value(tp)
    return int(state.position) if state is not None and state.has_valid_position else None


class BatchConsumer(driver.Consumer):
    """A consumer whose messages are `Batch`es."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._returning: set[TP] = set()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        # The loop of the app's kind: Faust's own choice is asyncio's, at twice the time a fetch.
        return _Thread(self, loop=self.loop, thread_loop=type(self.loop)(), beacon=self.beacon)

    def out_of_range(self, tps: set[TP]) -> None:
        """Called in the consumer's thread: Kafka does not hold what we asked for. Go where the state says, once."""
        asyncio.run_coroutine_threadsafe(self._return(tps), self.loop)

    async def _return(self, tps: set[TP]) -> None:
        if lost := tps - self._returning:
            self._returning |= lost
            try:
                logger.warning("Kafka does not hold what comes next of %s", sorted(map(tuple, lost)))
                await self.rewind(lost)
                await asyncio.sleep(RETURN_S)
            finally:
                self._returning -= lost

    async def seek_to_committed(self) -> dict[TP, int]:
        """Seek every assigned partition to where its state ends; Kafka's committed offsets play no part."""
        return await self.rewind(self.assignment())

    async def rewind(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Seek these partitions to where their state ends; returns where that is."""
        positions = await cast("BatchTransport", self.transport).positions(tps)
        assigned = self.assignment()
        positions = {tp: offset for tp, offset in positions.items() if tp in assigned}
        if positions:
            await self.seek_wait(positions)
        return positions


class BatchTransport(driver.Transport):
    """Faust's aiokafka transport with `BatchConsumer`; `positions` is asked on every assignment.

    With `patience_ms` a record may wait so long at the broker for others: fewer, larger batches. 0: none waits.
    """

    Consumer = BatchConsumer

    def __init__(self, bootstrap: str, app: faust.App, positions: Positions, patience_ms: int = 0) -> None:
        urls = [URL(f"kafka://{address}") for address in bootstrap.split(",")]
        super().__init__(urls, app)
        self.positions = positions
        self.patience_ms = patience_ms
