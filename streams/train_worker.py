"""The trainer's process: the agents `train`, on `examples`, and one that follows `forgets`.

Apart from the click worker, because learning weights takes some hundred times longer than counting
an event, and a list must not wait for it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faust.types import TP

from online_models.caps import Caps
from recommender.keys import Keys
from recommender.topics import Topics
from streams.app import create_app
from streams.log_check import Claim, LogCheck
from streams.pulse import Pulse
from streams.redis_store import connect
from streams.running import Watch, in_time, run_app
from streams.stored_vectors import StoredVectors
from streams.trainer import Trainer
from streams.watchdog import Watchdog

STALL_S = 60.0
"""With examples to learn and none learned for so long, the trainer ends, to be started again."""
PATIENCE_MS = 100
"""Lessons may wait for each other so long: what is learned of them is published every two seconds."""


class TrainWorker:
    """One trainer process; `data` is a folder for its snapshot, or None. For the others see `Trainer`."""

    def __init__(
        self,
        bootstrap: str,
        redis: str,
        cluster: str,
        topics: Topics,
        data: Path | None = None,
        tested: float = 0.25,
        lessons: float = 1.0,
        caps: Caps | None = None,
    ) -> None:
        self._topics = topics
        self._client = connect(redis)
        self._keys = Keys(cluster, topics.prefix)
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
        vectors = StoredVectors(self._client, self._keys, topics)
        snapshot = data / "trainer.npz" if data else None
        self.trainer = Trainer(
            self._client, self._keys, vectors, self._publish, snapshot,
            tested=tested, lessons=lessons, caps=caps,
        )  # fmt: skip
        self._watch = Watch()
        self._log = LogCheck(bootstrap)
        self._watchdog = Watchdog(bootstrap, self._ends_of_lessons, lambda: False, STALL_S)
        self.pulse = Pulse(self._client, self._keys, "trainer", secrets.token_hex(8), self._figures)
        handlers = {
            topics.examples: self._watch.guarded(self.trainer.take),
            topics.decisions: self._watch.guarded(self.trainer.take_decisions),
            topics.forgets: self._watch.guarded(self.trainer.forget),
        }
        self.app = create_app(
            topics.prefix + "coldspring-trainer", bootstrap, handlers, self._positions, patience_ms=PATIENCE_MS
        )

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Learn until `stop` is set; raises what made the agent fail."""
        await self._producer.start()
        await self.trainer.start()
        try:
            await run_app(self.app, self._watch, stop, ready, self.pulse.beat(), self._watchdog.watch())
        finally:
            await self.trainer.stop()
            await in_time(self._producer.stop())
            self._client.close()

    async def _positions(self, tps: Iterable[TP]) -> dict[TP, int]:
        position = await self.trainer.position()
        found = {}
        for tp, bounds in (await self._log.verify({tp: Claim(0) for tp in tps})).items():
            # All of `forgets`, each time: a snapshot may be older than the last of them.
            found[tp] = bounds.begin
            # Kept for a week, for models outside the digest: what is gone is gone. Made anew, it begins again.
            if tp.topic == self._topics.examples:
                found[tp] = bounds.begin if position > bounds.end else max(position, bounds.begin)
                self.trainer.go_to(found[tp])
            elif tp.topic == self._topics.decisions:
                lists = self.trainer.shown.next.get(tp.partition, 0)
                found[tp] = bounds.begin if lists > bounds.end else max(lists, bounds.begin)
                self.trainer.shown.next[tp.partition] = found[tp]
        return found

    async def _ends_of_lessons(self) -> dict[TP, int]:
        # There is one trainer: without partitions, the group has lost it.
        name = self._topics.examples
        lessons = [TP(name, partition) for partition in range(self._topics.count("examples"))]
        return dict.fromkeys(lessons, self.trainer.next_offset)

    async def _publish(self, key: bytes, value: bytes) -> None:
        try:
            await self._producer.send_and_wait(self._topics.blend_weights, value=value, key=key)
        except KafkaError as error:
            raise OSError(f"Kafka takes no weights: {type(error).__name__}") from error

    def _figures(self) -> dict[str, Any]:
        lag = {}
        for tp in self.app.consumer.assignment():
            if tp.topic != self._topics.examples:
                continue
            end = self.app.consumer.highwater(tp) or 0
            lag[f"examples:{tp.partition}"] = max(0, end - self.trainer.next_offset)
        return {"lag": lag, "quality": self.trainer.figures()}
