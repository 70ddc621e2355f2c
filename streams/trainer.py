"""The trainer: learns the adaptive tier from `examples`, and publishes it by version.

It runs the `default` model over the examples, which are all events: each adds to the counts, a share of them is a
lesson for the weights, a share of them is tested before it is learned (live quality). Which ones, their ids decide.
What it knows is outside the digest; a snapshot file with the next offset lets it go on after a restart, and without
one it learns the examples anew.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import redis

from online_models.base import Event
from online_models.caps import Caps
from online_models.dedupe import DedupeWindow
from online_models.default import Default
from online_models.state import nested, part
from recommender.events import decode_forget
from recommender.keys import Keys
from recommender.reasons import BadEventError
from recommender.tasks import end
from recommender.tombstones import Tombstones
from streams.batch import Batch
from streams.contexts import Contexts
from streams.live_tests import live_tests, trial_of
from streams.outbox import Example
from streams.quality import LiveQuality
from streams.served_lists import IMPRESSION, ServedLists
from streams.shares import share_of
from streams.stored_vectors import StoredVectors
from streams.trainer_publishing import TrainerPublishing
from streams.trainer_snapshot import TrainerSnapshot

logger = logging.getLogger(__name__)
_EXAMPLES = msgspec.json.Decoder(list[Example])

CONTEXTS_S = 5.0
"""Seconds between two tellings of what is liked in which context."""
PAUSE_EVERY = 50
"""Examples between two chances for the agents that keep the state."""


class Trainer:
    """One trainer.

    Parameters
    ----------
    publish
        Sends (key, value) to `blend-weights`.
    snapshot
        A file, or None.
    tested
        The share of examples that are tested before they are learned, chosen by their ids.
    lessons
        The share of examples that the weights learn from, chosen by their ids; the others only count.
    caps
        How many users and items are known, and how far one account reaches.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        vectors: StoredVectors,
        publish: Callable[[bytes, bytes], Any],
        snapshot: Path | None = None,
        publish_s: float = 2.0,
        snapshot_s: float = 60.0,
        tested: float = 0.25,
        lessons: float = 1.0,
        caps: Caps | None = None,
    ) -> None:
        self._vectors = vectors
        self._publish = publish
        self._snapshot = TrainerSnapshot(snapshot, keys.root)
        self._publishing = TrainerPublishing(client, keys)
        self._publish_s = publish_s
        self._snapshot_s = snapshot_s
        self._tested = tested
        self._lessons = lessons
        self.next_offset = 0
        self._learned = self._taught = 0
        self._seen = DedupeWindow()
        self._told_clicks: bytes | None = None
        # Read from `forgets` anew at every start, so the key need not outlive the process.
        self._forgotten = Tombstones(secrets.token_bytes(32))
        self.shown = ServedLists(self._forgotten.until)
        self.default = Default(caps=caps)
        self.contexts = Contexts(client, keys)
        self.quality = LiveQuality(live_tests(self.default))
        self._thread = ThreadPoolExecutor(1, "train")
        self._chores: list[asyncio.Task[None]] = []
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Take the last snapshot over, and begin to publish."""
        await self._run(self.restore)
        self._chores = [
            asyncio.create_task(self._every(self._publish_s, self._publish_all)),
            asyncio.create_task(self._every(self._snapshot_s, self._save_now)),
            asyncio.create_task(self._every(CONTEXTS_S, self._publish_contexts)),
        ]

    async def stop(self) -> None:
        """Save, and end."""
        await end(*self._chores)
        async with self._lock:
            await self._run(self._save)
        self._thread.shutdown(wait=True)

    async def position(self) -> int:
        """The next offset of `examples` that the models have not learned."""
        return self.next_offset

    def go_to(self, offset: int) -> None:
        """Go on at another offset: what lies between is not held, or not by this log."""
        self.next_offset = offset

    async def take(self, batch: Batch) -> None:
        """Learn the examples of a batch, pausing often: the state's agents go first."""
        for record in batch.records:
            if record.offset < self.next_offset:
                continue
            examples = _EXAMPLES.decode(record.value or b"[]")
            for start in range(0, len(examples), PAUSE_EVERY):
                async with self._lock:
                    await self._run(self.learn, examples[start : start + PAUSE_EVERY])
            self.next_offset = record.offset + 1
        self.next_offset = max(self.next_offset, batch.next)

    async def take_decisions(self, batch: Batch) -> None:
        """Take in the lists that were served."""
        for start in range(0, len(batch.records), PAUSE_EVERY):
            records = batch.records[start : start + PAUSE_EVERY]
            async with self._lock:
                await self._run(self.shown.read, batch.partition, records, records[-1].offset + 1)
        async with self._lock:
            self.shown.read(batch.partition, (), batch.next)

    async def forget(self, batch: Batch) -> None:
        """Drop what is held of forgotten users, and of what was saved and published of them."""
        for record in batch.records:
            try:
                forget = decode_forget(record.value or b"")
            except BadEventError:
                continue  # a dead letter of the worker's
            async with self._lock:
                if self._forgotten.bury(forget.user_id, forget.timestamp):
                    self.default.forget_user(forget.user_id, forget.timestamp)
                    self.shown.forget(forget.user_id, forget.timestamp)
        async with self._lock:
            await self._run(self._save)
        await self._attempt(self._publish_all)  # while the store is away, the next turn does it

    def learn(self, examples: Sequence[Example]) -> None:
        """Test, count and learn examples in their order; blocking."""
        waiting: list[Example] = []  # of which nothing is asked before they are counted
        for example in examples:
            if example.timestamp <= self._forgotten.until(example.user_id):
                continue
            if example.event_id is not None and not self._seen.accept(example.event_id):
                continue
            self.shown.hear(example)
            if example.type == IMPRESSION:
                continue
            # The same events are tested and then taught: what is read for the one serves the other.
            share = share_of(example.identity)
            if share >= self._tested and share >= self._lessons:
                waiting.append(example)
                continue
            self._count(waiting)
            waiting.clear()
            if share < self._tested and (trial := trial_of(example, self.default.state)):
                self.quality.test(trial)
            if share >= self._lessons:
                waiting.append(example)
                continue
            self.contexts.hear(example, self.default.state)
            self._learned += 1
            self._taught += 1
            self.default.learn_one(*_event(example))
        self._count(waiting)
        self._seen.take_fresh()
        # Afterwards: a model that knew an item from before its first event would be tested on a hint.
        self._describe({example.item_id for example in examples if example.type != IMPRESSION})

    def _count(self, examples: Sequence[Example]) -> None:
        """Count examples that are no lessons, in their order."""
        if not examples:
            return
        self.contexts.hear_all(examples, self.default.state)
        self._learned += len(examples)
        self.default.count_many([_event(example) for example in examples])

    def _describe(self, items: set[str]) -> None:
        """Give the model the vectors of known items that it has none of yet, and when these were announced."""
        places = {item: index for item in items if (index := self.default.state.dictionary.index.get(item)) is not None}
        described = self.default.content.vectors.has(np.fromiter(places.values(), np.int64, len(places)))
        wanted = {item for item, has in zip(places, described, strict=True) if not has}
        try:
            found, times = self._vectors.get(wanted), self._vectors.announced(wanted)
        except (redis.RedisError, OSError) as error:
            logger.warning("learning without new vectors while the store is away: %s", error)
            return
        for item in sorted(found.keys() | times.keys()):
            self.default.add_item(item, vector=found.get(item), timestamp=times.get(item))

    def figures(self) -> dict[str, Any]:
        """Live quality, how many examples were counted and learned from, and the version of the weights."""
        learned = {"examples": self._learned, "lessons": self._taught, "version": self.default.blend.version}
        return {**self.quality.figures(), **learned, "shown": self.shown.figures()}

    async def _publish_all(self) -> None:
        async with self._lock:
            weights = self._publishing.weights(self.default)
            clicks = self.shown.weights()
            figures = {**self.figures(), "history": self.quality.history()}
            await self._run(self._publishing.write, self.default, weights, figures, clicks)
        await self._publish(b"default", weights)
        if clicks is not None and clicks is not self._told_clicks:
            await self._publish(b"click_model", clicks)
            self._told_clicks = clicks

    async def _publish_contexts(self) -> None:
        async with self._lock:
            await self._run(self.contexts.publish)

    async def _save_now(self) -> None:
        async with self._lock:
            await self._run(self._save)

    def _save(self) -> None:
        if not self._snapshot.kept:
            return
        state: dict[str, Any] = {
            **nested("default", self.default.state_dict()),
            **nested("shown", self.shown.state_dict()),
            "next": self.next_offset,
            "learned": self._learned,
            "taught": self._taught,
            "quality": self.quality.state(),
            "contexts": self.contexts.trends.state_dict(),
        }
        self._snapshot.save(state)

    def restore(self) -> None:
        """Take the last snapshot over, where there is one that fits; blocking."""
        state = self._snapshot.load()
        if state is None:
            return
        self.default.load_state(part("default", state))
        self.shown.load_state(part("shown", state))
        self.quality.restore(state["quality"])
        self.contexts.load_state(state["contexts"])
        self.next_offset = int(state["next"])
        self._learned, self._taught = int(state["learned"]), int(state["taught"])

    async def _every(self, seconds: float, chore: Callable[[], Any]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._attempt(chore)

    async def _attempt(self, chore: Callable[[], Any]) -> None:
        try:
            await chore()
        except (redis.RedisError, OSError) as error:
            logger.warning("the trainer's %s waits: %s", chore.__name__.strip("_"), error)

    async def _run(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)


def _event(example: Example) -> Event:
    return example.user_id, example.item_id, example.y, {"timestamp": example.timestamp, "type": example.type}
