"""`items` to vectors: reads, batches, encodes, publishes, writes, commits, in this order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from redis.exceptions import RedisError

from embedding_worker.encoders.encoder import Encoder
from embedding_worker.encoding_thread import EncodingThread
from embedding_worker.item_batch import ItemBatch, read_batch
from embedding_worker.steady_encoding import encode_all
from embedding_worker.vector_store import VectorStore
from embedding_worker.worker_settings import WorkerSettings
from recommender.tasks import end
from recommender.vectors import ItemVector

log = logging.getLogger(__name__)
T = TypeVar("T")

_POLL_MS: Final = 200
_LOOK_S: Final = 1.0
_PAUSES_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_STOP_S: Final = 5.0
SILENT_S: Final = 10.0
"""After so long without a record it is asked whether there are any."""


class OtherItemsError(Exception):
    """The topic of items is another one than the vectors were made from."""


class ItemStream:
    """The way of the items through one worker; the partitions are shared with others of its group."""

    def __init__(
        self,
        settings: WorkerSettings,
        encoder: Encoder,
        thread: EncodingThread,
        store: VectorStore,
        clock_ms: Callable[[], int],
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._encoder = encoder
        self._thread = thread
        self._store = store
        self._clock_ms = clock_ms
        self._reached = reached
        self._counters = thread.counters
        # What Redis held when the partition was taken, or was given by our last write.
        self._positions: dict[TopicPartition, int | None] = {}
        self._unsure: dict[TopicPartition, int] = {}
        self._joined_again = False
        self._consumer: Any = None
        self._producer: Any = None

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Work until `stop` is set; the batch in hand is finished first."""
        stopped = asyncio.create_task(stop.wait())
        working = asyncio.create_task(self._work(stop, on_ready))
        try:
            await asyncio.wait({stopped, working}, return_when=asyncio.FIRST_COMPLETED)
            # A batch that waits for Kafka or Redis must not hold up the end: it is done again at the next start.
            await asyncio.wait({working}, timeout=_STOP_S)
        finally:
            await end(stopped, working)
            await self._close()
        if not working.cancelled():
            working.result()

    async def _work(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        await self._open()
        on_ready()
        looked = moved = asyncio.get_running_loop().time()
        while not stop.is_set():
            batch = await self._fetch()
            now = asyncio.get_running_loop().time()
            if batch:
                await self._handle(batch)
                moved = now
            elif now - moved > SILENT_S:
                moved = now
                if await self._is_behind():
                    await self._revive()
            if now - looked > _LOOK_S:
                looked = now
                await self._look()

    async def _is_behind(self) -> bool:
        """Are there items that nobody brings us? Asked of the broker itself, not of the consumer's memory."""
        places = list(self._positions)
        if not places:
            joined, self._joined_again = self._joined_again, True
            return not joined  # once: where others of the group have it all, joining again only disturbs them
        try:
            ends = await asyncio.wait_for(self._consumer.end_offsets(places), _STOP_S)
        except (KafkaError, TimeoutError) as error:
            self._counters.failed("kafka", error)
            return False
        return any(ends[place] > (self._positions.get(place) or 0) for place in places)

    async def _revive(self) -> None:
        """A consumer can fall silent without an error (aiokafka #847, #1037, #1154): begin with a new one."""
        log.warning("there are items, but none were brought for %.0f s: connecting anew", SILENT_S)
        await self._stopped(self._consumer)
        self._positions.clear()
        await self._insist("kafka", self._start_consumer)

    async def _open(self) -> None:
        await self._insist("redis", self._store.announce)
        await self._insist("kafka", self._start_producer)
        await self._insist("kafka", self._start_consumer)

    async def _start_producer(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap,
            acks="all",
            request_timeout_ms=60_000,
            max_request_size=4_000_000,
        )
        await _started(producer)
        self._producer = producer

    async def _start_consumer(self) -> None:
        settings = self._settings
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap,
            group_id=f"{settings.group}-{self._encoder.space}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            # The embedded broker answers a fetch when its time is up, not when a record comes: this is its latency.
            fetch_max_wait_ms=50,
            session_timeout_ms=6_000,
            heartbeat_interval_ms=2_000,
            # A slow encoder or a Redis that is away is no reason to take partitions from this worker.
            max_poll_interval_ms=24 * 3_600_000,
            metadata_max_age_ms=30_000,
        )
        await _started(consumer)
        self._consumer = consumer
        consumer.subscribe([settings.items], listener=_Assignment(self._assigned))

    async def _close(self) -> None:
        for client in (self._consumer, self._producer):
            if client is not None:
                await self._stopped(client)

    async def _stopped(self, client: Any) -> None:
        # stop() waits for ever while all brokers are away (aiokafka #659).
        try:
            await asyncio.wait_for(client.stop(), _STOP_S)
        except Exception as error:
            log.warning("%s did not stop: %s: %s", type(client).__name__, type(error).__name__, error)

    async def _assigned(self, partitions: set[TopicPartition]) -> None:
        self._positions = {place: known for place, known in self._positions.items() if place in partitions}
        for place in partitions:
            await self._seek(place)

    async def _seek(self, place: TopicPartition) -> None:
        """Go on where Redis stands; from the beginning where it holds nothing, whatever was committed."""
        position = await self._insist("redis", partial(self._store.position, place.partition))
        self._positions[place] = position
        # So many records may be on the topic already, by a worker that was killed before it wrote them.
        self._unsure[place] = self._settings.batch_items
        with suppress(IllegalStateError):
            # Not seek_to_beginning: it waits for the coordinator, which waits for us while it assigns partitions. An
            # offset before the log's beginning is out of range, and "earliest" puts that right.
            self._consumer.seek(place, position or 0)

    async def _fetch(self) -> dict[TopicPartition, ItemBatch]:
        """Records until there are enough of them or the first has waited long enough."""
        limit = self._settings.batch_items
        records: dict[TopicPartition, list[Any]] = {}
        try:
            for place, found in (await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=limit)).items():
                records[place] = list(found)
            count = sum(map(len, records.values()))
            if 0 < count < limit:
                await asyncio.sleep(self._settings.linger_s)
                more = await self._consumer.getmany(timeout_ms=0, max_records=limit - count)
                for place, found in more.items():
                    records.setdefault(place, []).extend(found)
            partitions = len(self._consumer.partitions_for_topic(self._settings.items) or ())
            return {
                place: read_batch(news, place.partition, partitions, self._settings.max_chars)
                for place, found in records.items()
                if (news := self._news(place, found))
            }
        except KafkaError as error:
            self._counters.failed("kafka", error)
            log.warning("items can't be read: %s", error)
            await asyncio.sleep(_PAUSES_S[0])
            return {}

    def _news(self, place: TopicPartition, records: list[Any]) -> list[Any]:
        """Records from our position on: after a rebalance in the middle of a batch, some come again."""
        if place not in self._positions:
            return []
        position = self._positions[place] or 0
        return [record for record in records if record.offset >= position]

    async def _handle(self, batches: dict[TopicPartition, ItemBatch]) -> None:
        began = {place: self._positions.get(place) for place in batches}
        for place, batch in batches.items():
            held = await self._insist("redis", partial(self._store.read, place.partition, batch.item_ids))
            batch.compare(held, sure=self._unsure.get(place, 0) <= 0)
        wanted = [(batch, change) for batch in batches.values() for change in batch.to_encode]
        vectors = await encode_all(self._thread, [change.text or "" for _, change in wanted])
        for (batch, change), vector in zip(wanted, vectors, strict=True):
            batch.encoded(change, vector, self._clock_ms())
        self._reached("vectors.encoded")
        await self._insist("kafka", lambda: self._publish(batches))
        self._reached("vectors.published")
        for place, batch in batches.items():
            await self._write(place, batch, began[place])
            self._reached("vectors.written")
        self._counters.batches += 1

    async def _publish(self, batches: dict[TopicPartition, ItemBatch]) -> None:
        topic = self._settings.item_vectors
        sent: list[Awaitable[Any]] = []
        for batch in batches.values():
            for item_id, stored in {**batch.fresh, **batch.again}.items():
                record = ItemVector(stored.vector, self._encoder.model, self._encoder.space, stored.offset)
                value, headers = record.encode(self._settings.dtype)
                sent.append(await self._producer.send(topic, value, key=item_id.encode(), headers=headers))
            for change in batch.removed:
                headers = [("space", self._encoder.space.encode()), ("offset", str(change.offset).encode())]
                sent.append(await self._producer.send(topic, None, key=change.item_id.encode(), headers=headers))
        await asyncio.gather(*sent)

    async def _write(self, place: TopicPartition, batch: ItemBatch, began: int | None) -> None:
        removed = [change.item_id for change in batch.removed]
        if await self._insist("redis", lambda: self._settle(place, batch, began, removed)):
            self._positions[place] = batch.following
            self._unsure[place] = self._unsure.get(place, 0) - batch.records
            self._count(batch)
            with suppress(KafkaError):
                await self._consumer.commit({place: batch.following})
            for change in batch.set_aside:
                self._counters.items_set_aside += 1
                log.error("item %r was set aside: its text can't be encoded", change.item_id[:80])
        else:
            self._counters.refused += 1
            log.warning("partition %d stands elsewhere in Redis: reading its position again", place.partition)
            await self._seek(place)

    async def _settle(self, place: TopicPartition, batch: ItemBatch, began: int | None, removed: list[str]) -> bool:
        for change in batch.set_aside:
            await self._store.note_failure(place.partition, change.item_id, change.offset, "the text can't be encoded")
        written = await self._store.write(place.partition, began, batch.following, batch.put, removed)
        # After a lost reply the write is there already: the position says so, and only ours can have set it.
        return written or await self._store.position(place.partition) == batch.following

    def _count(self, batch: ItemBatch) -> None:
        counters = self._counters
        counters.items_encoded += len(batch.fresh)
        counters.items_unchanged += len(batch.put) - len(batch.fresh)
        counters.items_removed += len(batch.removed)
        counters.items_bad += batch.bad

    async def _look(self) -> None:
        """Has Redis lost what it held? And how far behind are we?"""
        lag, beyond = 0, []
        try:
            await self._store.announce(if_lost=True)
        except (RedisError, OSError) as error:
            self._counters.failed("redis", error)
            return
        for place, known in list(self._positions.items()):
            try:
                position = await self._store.position(place.partition)
            except (RedisError, OSError) as error:
                self._counters.failed("redis", error)
                return
            if position != known and self._positions.get(place) == known:
                log.warning("partition %d: Redis stands at %s, expected was %s", place.partition, position, known)
                await self._seek(place)
            with suppress(KafkaError, AssertionError):
                end = self._consumer.highwater(place)
                lag += max(0, (end or 0) - (self._positions[place] or 0))
                if end is not None and end < (self._positions[place] or 0):
                    beyond.append(place)
        self._counters.lag = lag
        if beyond:
            await self._refuse_another_log(beyond)

    async def _refuse_another_log(self, places: list[TopicPartition]) -> None:
        """A log that ends before what we have read of it was made anew: its items are not those we know."""
        try:
            ends = await asyncio.wait_for(self._consumer.end_offsets(places), _STOP_S)
        except (KafkaError, TimeoutError) as error:
            self._counters.failed("kafka", error)
            return
        for place, last in ends.items():
            if last < (self._positions.get(place) or 0):
                raise OtherItemsError(
                    f"{place.topic}[{place.partition}] ends at {last}, the vectors at {self._positions[place]}: the "
                    "topic was made anew. Restore it, or begin a new state: set --cluster (COLDSPRING_CLUSTER) to a "
                    "new name"
                )

    async def _insist(self, kind: str, call: Callable[[], Awaitable[T]]) -> T:
        """Call until it works: while Kafka or Redis is away, work pauses; every try does the same again."""
        tries = 0
        while True:
            try:
                return await call()
            except (KafkaError, RedisError, OSError) as error:
                self._counters.failed(kind, error)
                pause = _PAUSES_S[min(tries, len(_PAUSES_S) - 1)]
                log.warning("%s is away, again in %.1f s: %s", kind, pause, str(error)[:200])
                tries += 1
                await asyncio.sleep(pause)


async def _started(client: Any) -> None:
    """Start a consumer or producer; one that did not start is closed, for its next try is a new one."""
    try:
        await client.start()
    except BaseException:
        with suppress(Exception):
            await asyncio.wait_for(client.stop(), _STOP_S)
        raise


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Tells the stream which partitions it owns now."""

    def __init__(self, assigned: Callable[[set[TopicPartition]], Awaitable[None]]) -> None:
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to do: a write after this is refused, or does what the next owner would do."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Read where to go on, before the first record is fetched."""
        await self._assigned(set(assigned))
