"""The index of item vectors as a view of the topic `item-vectors`: every serving process has its own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from embedding_worker.snapshot import SIDECAR, Sidecar, SnapshotRefusedError, load, save
from embedding_worker.vector_index import VectorIndex
from recommender.tasks import end
from recommender.vectors import BadVectorError, decode_item_vector
from serving.views.spaces import Spaces

log = logging.getLogger(__name__)

POLL_MS: Final = 500
RETRY_S: Final = 0.5
SILENT_S: Final = 30.0
"""After so long without a record we ask the broker whether there are any: consumers can fall silent."""
STEP_S: Final = 0.005
"""How long the graph is worked on at a time, off the event loop."""


class IndexView:
    """Follows all partitions of `item-vectors`; an item is found the moment its vector was taken in.

    Parameters
    ----------
    bootstrap, topic, partitions
        Where the vectors are. There is no group: each process reads everything.
    folder
        Where snapshots are kept; None for none.
    snapshot_every_s
        How often, if anything changed.
    indexed
        Told the ids of items that are found from now on.
    reached
        Told each step of a save by name, for tests.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        partitions: int,
        folder: Path | None = None,
        snapshot_every_s: float = 60.0,
        max_items: int = 200_000,
        indexed: Callable[[Sequence[str]], None] = lambda _: None,
        timer: Callable[[], float] = time.monotonic,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._bootstrap = bootstrap
        self._places = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._folder = folder
        self._snapshot_every_s = snapshot_every_s
        self._indexed = indexed
        self._timer = timer
        self._saving = reached
        self._spaces = Spaces(max_items)
        self.positions: dict[int, int] = dict.fromkeys(range(partitions), 0)
        self.refused = 0
        self.complete = False
        self._changed = False
        self._saved = timer()

    @property
    def index(self) -> VectorIndex | None:
        """The index in use; None before the first vector."""
        return self._spaces.index

    @property
    def space(self) -> str:
        """The identity of its vectors' space."""
        return self._spaces.space

    def figures(self) -> dict[str, Any]:
        """For the status."""
        index = self._spaces.index
        return {
            "index_size": len(index) if index else 0,
            "index_waiting": index.waiting if index else 0,
            "index_refused": self.refused,
            "index_complete": self.complete,
        }

    async def run(self) -> None:
        """Follow the topic until cancelled; while the broker is away, wait."""
        await asyncio.to_thread(self._restore)
        upkeep = asyncio.create_task(self._upkeep())
        try:
            while True:
                try:
                    await self._follow()
                except (KafkaError, OSError, TimeoutError) as error:
                    log.warning("item vectors can't be read now: %s: %s", type(error).__name__, error)
                await asyncio.sleep(RETRY_S)
        finally:
            await end(upkeep)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=50,  # the embedded broker answers when this time is over
        )
        try:
            await consumer.start()
            consumer.assign(self._places)
            ends = await self._place(consumer)
            heard = self._timer()
            while True:
                batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=2_000)
                for place, records in batches.items():
                    self._take(place.partition, records)
                if batches:
                    heard = self._timer()
                elif self._timer() - heard > SILENT_S:
                    ends, heard = await consumer.end_offsets(self._places), self._timer()
                    if await self._fell_silent(consumer, ends):
                        return
                if not self.complete and await self._reached(consumer, ends):
                    self.complete = True
        finally:
            await asyncio.wait_for(asyncio.shield(consumer.stop()), 10)

    async def _place(self, consumer: Any) -> dict[Any, int]:
        """Go on where the index stands; a log that is shorter than that is another log."""
        ends: dict[Any, int] = await consumer.end_offsets(self._places)
        if any(ends[place] < self.positions[place.partition] for place in self._places):
            log.warning("the topic of item vectors was made anew: the index begins again")
            self._restart()
        for place in self._places:
            consumer.seek(place, self.positions[place.partition])
        return ends

    async def _reached(self, consumer: Any, ends: dict[Any, int]) -> bool:
        # The consumer's own position also passes over what no reader sees (compacted, markers).
        return all([await consumer.position(place) >= ends[place] for place in self._places])

    async def _fell_silent(self, consumer: Any, ends: dict[Any, int]) -> bool:
        return not await self._reached(consumer, ends)

    def _take(self, partition: int, records: Sequence[Any]) -> None:
        found: list[str] = []
        for record in records:
            if record.offset < self.positions[partition]:
                log.warning("the topic of item vectors begins again: so does the index")
                self._restart()
            self.positions[partition] = record.offset + 1
            item_id = record.key.decode("utf-8", "replace") if record.key else ""
            if not record.value:
                self._spaces.remove(item_id)
                continue
            try:
                if self._spaces.put(item_id, decode_item_vector(record.value, record.headers)):
                    found.append(item_id)
            except BadVectorError as error:
                self.refused += 1
                log.warning("a vector of %s:%d was refused: %s", record.topic, record.offset, error)
        self._changed = True
        if found:
            self._indexed(found)

    def _restart(self) -> None:
        self._spaces.clear()
        self.positions = dict.fromkeys(self.positions, 0)
        self.complete = False

    async def _upkeep(self) -> None:
        """Work on the graph and write snapshots, in threads, so that answers do not wait."""
        while True:
            more = False
            for index in (self._spaces.index, self._spaces.next_index):
                if index is not None:
                    more |= await asyncio.to_thread(index.maintain, STEP_S)
            due = self._changed and self._timer() - self._saved > self._snapshot_every_s
            # Between two spaces there is nothing to save: the positions would include vectors that the file lacks.
            if self._folder and due and self._spaces.next_index is None:
                await asyncio.to_thread(self._save)
            await asyncio.sleep(0.001 if more else 0.05)

    def _save(self) -> None:
        index, positions = self._spaces.index, dict(self.positions)
        self._saved, self._changed = self._timer(), False
        if index is None or self._folder is None:
            return
        try:
            save(self._folder, index, self._spaces.model, self._spaces.space, positions, self._saving)
        except OSError as error:
            log.warning("the snapshot could not be written: %s", error)

    def _restore(self) -> None:
        if self._folder is None or self._spaces.index is not None:
            return
        try:
            held = msgspec.json.decode((self._folder / SIDECAR).read_bytes(), type=Sidecar)
            snapshot = load(self._folder, held.space, held.dim)
        except FileNotFoundError:
            return
        except (SnapshotRefusedError, OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("the snapshot is not used: %s", error)
            return
        if set(snapshot.positions) == set(self.positions):
            self._spaces.fill(snapshot)
            self.positions = dict(snapshot.positions)
