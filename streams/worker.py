"""The click worker: a process that owns some partitions, and the agents that keep their state.

The way of an event: Kafka -> `transport` (a fetched batch as one message) -> `app` (the topic's
agent) -> `steps.Steps.take` -> `user_shard.UserShard.fold` (decode, check, dedupe, learn) ->
`outbox` (dead letters, examples) -> `redis_store` (one guarded write) -> `interests` (a view).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from faust.types import TP

from online_models.caps import Caps
from online_models.partition_state import PartitionState
from recommender.event_types import EventTypes
from recommender.events import Interaction
from recommender.keys import Keys
from recommender.spans import Sampled
from recommender.topics import Topics
from streams import trace
from streams.app import Handler, create_app
from streams.batch import Batch
from streams.contexts import context_of
from streams.control import Control
from streams.current import Current
from streams.forgetting import Forgetting
from streams.interests import InterestWriter
from streams.item_shard import ItemShard
from streams.log_check import Bounds, Claim, LogCheck
from streams.log_source import KafkaLog
from streams.outbox import Example, Outbox
from streams.pulse import Pulse
from streams.redis_store import RedisItemStore, RedisUserStore, connect
from streams.running import Watch, in_time, run_app
from streams.sentinel import Held, Sentinel
from streams.shown import ShownWriter, impressions_of
from streams.standby import stored_ends
from streams.standing import standing
from streams.steps import USER_KINDS, Shard, Steps
from streams.store import UserStore
from streams.stored_vectors import StoredVectors
from streams.transport import BatchConsumer
from streams.user_shard import Step, UserShard
from streams.watchdog import Watchdog

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker needs to know.

    With `examples` the trainer is told of all events; after `stall_s` seconds with records to read and without any
    progress the worker ends.
    """

    bootstrap: str
    redis: str
    cluster: str
    topics: Topics
    types: EventTypes = field(default_factory=EventTypes)
    group: str = "coldspring-worker"
    dedupe: int = 100_000
    max_users: int = 100_000
    batch_records: int = 8_000
    session_timeout_s: float = 6.0
    examples: bool = True
    stall_s: float = 30.0
    forget_key: bytes = b""
    """The secret under which forgotten users are remembered, the same for all workers; none: one of this process."""
    checkpoints: Path | None = None
    """Where checkpoints lie that nobody forgotten may be left in."""
    open_log: Callable[[], Any] | None = None
    """Gives the log that a partition is folded again from; None: Kafka's."""
    spans: Sampled | None = None
    """Where spans go, if anywhere."""
    caps: Caps = field(default_factory=Caps)
    """How much a partition keeps, and how far one account reaches."""


class Worker:
    """One worker process. `clock` gives the wall time in ms; `reached` is told each moment by name, for tests."""

    def __init__(
        self, settings: WorkerSettings, clock: Callable[[], int], reached: Callable[[str], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.token = secrets.token_hex(8)
        self._forget_key = settings.forget_key or secrets.token_bytes(32)
        self._client = connect(settings.redis)
        self._keys = Keys(settings.cluster, settings.topics.prefix)
        self._users: dict[int, UserShard] = {}
        self._items: dict[int, ItemShard] = {}
        self._outbox = Outbox(settings.bootstrap, settings.topics)
        self._shown = ShownWriter(self._client, self._keys)
        self._interests = InterestWriter(
            self._client, self._keys, StoredVectors(self._client, self._keys, settings.topics)
        )
        self._control = Control(self._reopen_all, clock())
        self.trace = trace.Trace(clock, settings.spans)
        self._current = Current()
        self.pulse = Pulse(self._client, self._keys, "worker", self.token, self._figures, self._write_trace)
        self._watch = Watch()
        topics = settings.topics
        self._kinds = {topics.name(kind): kind for kind in (*USER_KINDS, "items", "control")}
        self.steps = Steps(
            self._shard,
            self._kinds,
            self._outbox,
            self._before_commit,
            self._after_commit,
            self._rewind,
            self._owns,
            settings.batch_records,
            self._verify,
            reached,
        )
        self._log = LogCheck(settings.bootstrap)
        self._sentinel = Sentinel(self._client, self._held, self.steps.quiet, self._rewind_all, self.pulse.count)
        self._watchdog = Watchdog(
            settings.bootstrap, self._ends_of_state, lambda: self.steps.waiting > 0, settings.stall_s
        )
        self._forgetting = Forgetting(
            self._client,
            self._keys,
            topics,
            self._outbox,
            self.steps,
            self._owned_shards,
            self._user_shard,
            self._user_store,
            settings.open_log or (lambda: KafkaLog(settings.bootstrap)),
            settings.checkpoints,
            reached,
        )
        handlers: dict[str, Handler] = {
            name: self._watch.guarded(self._handler(kind)) for name, kind in self._kinds.items()
        }
        self.app = create_app(
            settings.topics.prefix + settings.group,
            settings.bootstrap,
            handlers,
            self._positions,
            settings.session_timeout_s,
        )

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Work until `stop` is set; raises what made an agent fail."""
        # In the fold's thread, so the first event waits for it; joining the group meanwhile does not.
        warming = asyncio.create_task(self.steps.run(warm_up))
        await self._outbox.start()
        try:
            besides = (
                self.pulse.beat(),
                self._sentinel.watch(),
                self._watchdog.watch(),
                *self._forgetting.tasks(),
            )
            await run_app(self.app, self._watch, stop, ready, *besides)
        finally:
            await in_time(self._outbox.stop())
            await warming
            self.steps.close()
            self._client.close()

    def _handler(self, kind: str) -> Handler:
        async def take(batch: Batch) -> None:
            self.trace.read(kind, batch)
            await self.steps.take(batch)

        return self._control.take if kind == "control" else take

    def _shard(self, kind: str, partition: int) -> Shard:
        settings = self._settings
        if kind == "items":
            if partition not in self._items:
                item_store = RedisItemStore(self._client, self._keys.items(partition))
                self._items[partition] = ItemShard(
                    partition, settings.topics.item_partitions, item_store, self.token, self._clock
                )
            return self._items[partition]
        if partition not in self._users:
            self._users[partition] = self._user_shard(partition, self._user_store(partition))
        return self._users[partition]

    def _user_store(self, partition: int) -> RedisUserStore:
        return RedisUserStore(self._client, self._keys.users(partition))

    def _user_shard(self, partition: int, store: UserStore) -> UserShard:
        settings = self._settings
        return UserShard(
            partition,
            settings.topics.partitions,
            store,
            settings.types,
            self.token,
            self._forget_key,
            settings.dedupe,
            settings.max_users,
            settings.caps,
        )

    def _owned_shards(self) -> list[UserShard]:
        topic = self._settings.topics.interactions
        return [shard for partition, shard in self._users.items() if self._owns(TP(topic, partition))]

    async def _positions(self, tps: Iterable[TP]) -> dict[TP, int]:
        tps = list(tps)
        try:
            found = await self.steps.positions(tp for tp in tps if self._kinds[tp.topic] != "control")
            # Of `control` everything is read; old orders are ignored.
            orders = await self._log.verify({tp: Claim(0) for tp in tps if tp not in found})
        except Exception as error:
            self._watch.report(error)
            raise
        return {**found, **{tp: bounds.begin for tp, bounds in orders.items()}}

    async def _verify(self, claims: dict[TP, Claim]) -> dict[TP, Bounds]:
        """Is each log the one the state was learned from, and are all its records there? Says what is not."""
        found = await self._log.verify(claims)
        for tp, bounds in found.items():
            if missing := bounds.missing(claims[tp]):
                kind, at = self._kinds[tp.topic], claims[tp].position
                self.pulse.count(f"missing:{kind}", missing)
                logger.error(
                    "%s[%d]: up to %d records, offsets %d to %d, were removed from the log before they were learned; "
                    "going on at %d", *tp, missing, at, bounds.begin - 1, bounds.begin
                )  # fmt: skip
        return found

    async def _rewind(self, tp: TP) -> None:
        await self._rewind_all([tp])

    async def _rewind_all(self, tps: Sequence[TP]) -> None:
        await cast("BatchConsumer", self.app.consumer).rewind(tps)

    def _held_tps(self) -> list[tuple[TP, str, Shard]]:
        """Partitions of this process that have state, with their kind and shard."""
        held = [(tp, self._kinds[tp.topic]) for tp in sorted(self.app.consumer.assignment())]
        return [(tp, kind, self._shard(kind, tp.partition)) for tp, kind in held if kind != "control"]

    def _held(self) -> list[Held]:
        found: dict[str, Held] = {}
        for tp, kind, shard in self._held_tps():
            keys = self._keys.items(tp.partition) if kind == "items" else self._keys.users(tp.partition)
            known = found.get(keys.head)
            found[keys.head] = Held(shard, keys.head, keys.owner, [*(known.tps if known else ()), tp])
        return list(found.values())

    async def _ends_of_state(self) -> Mapping[TP, int]:
        held = {tp: shard.next_offset(kind) for tp, kind, shard in self._held_tps()}
        return held or await stored_ends(self._client, self._keys, self._settings.topics)

    def _owns(self, tp: TP) -> bool:
        return tp in self.app.consumer.assignment()

    async def _before_commit(self, kind: str, step: Any) -> None:
        self.trace.learned(step)
        if kind == "interactions" and self._settings.examples:
            await self._outbox.examples(self._examples(step))
        if kind in ("profiles", "forgets"):
            await self._forgetting.before_commit(step)

    async def _after_commit(self, kind: str, shard: Any, step: Any) -> None:
        published = self.trace.stored(kind, shard.partition, step)
        for letter in step.dead:
            self.pulse.count(f"dead_letters:{letter.reason}")
        if kind == "items":
            self.pulse.count("items", len(step.write.items))
            announced = {item: when for item, when in published.items() if step.write.items.get(item) is not None}
            await self.steps.beside(trace.write_published, self._client, self._keys.items(shard.partition), announced)
            return
        if kind == "forgets":
            await self._forgetting.after_commit(shard, step)
        if step.touched:
            await self.steps.beside(self._interests.renew, shard, step.touched)
        if shown := impressions_of(step.learned):
            await self.steps.beside(self._shown.note, shard.partition, shown)
        self.pulse.count("learned", len(step.learned))

    def _examples(self, step: Step) -> list[Example]:
        return [example for event in step.learned if (example := example_of(event, self._settings.types)) is not None]

    async def _reopen_all(self) -> None:
        """Throw away what is in hand and continue from what the store holds."""
        await self._rewind_all([tp for tp, _, _ in self._held_tps()])

    def _figures(self) -> dict[str, Any]:
        told = standing(self._held_tps(), self.app.consumer.highwater, self._current, self._clock())
        return {**told, **self.trace.figures()}

    def _write_trace(self) -> None:
        trace.write(self._client, self._keys, self.trace.take())


def example_of(event: Interaction, types: EventTypes) -> Example | None:
    """The event as the trainer gets it; None for what it does not learn from."""
    shown = event.items if event.type == "impression" and not event.item_id else None
    item = event.item_id or (shown[0] if shown else None)
    if item is None or event.type == "hide" or (event.type == "impression" and event.request_id is None):
        return None
    return Example(
        event.user_id,
        item,
        types.weight(event.type, event.value, event.scale),
        event.type,
        event.timestamp,
        event.event_id,
        event.request_id if event.type == "impression" or types.is_choice(event.type) else None,
        shown,
        context_of(event),
    )


def warm_up() -> None:
    """Load the compiled kernels before the first event waits for them."""
    state = PartitionState()
    state.fold([Interaction("u", "click", 1, item) for item in ("a", "b")])
