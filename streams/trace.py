"""The stages that records pass in a worker: when each was read, learned and stored. Bounded, and never in the way.

Kept by stretches of the log (`recommender.passages`), since what is fetched together is stored together: counted in
histograms, written to Redis once a second (the newest of each partition), and sent as spans where somebody wants them.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import redis

from recommender.durations import Durations
from recommender.keys import ItemKeys, Keys
from recommender.passages import KEPT, Passage, encode_passage, trace_id
from recommender.spans import Sampled, Span
from streams.batch import Batch
from streams.intake import Record

A_BEAT: Final = 50
"""Stretches told of a partition in one beat; where there are more, neighbours are joined."""
UNFINISHED: Final = 64


@dataclass(frozen=True, slots=True)
class _InHand:
    records: Sequence[Record]
    offsets: Any
    times: Any
    read_ms: int


class Trace:
    """Follows batches through one process; `clock` gives the wall time in ms, `spans` says where spans go, if anywhere.

    Call `read` when a batch is taken in hand, `learned` when a step is folded, `stored` when it is written.
    """

    def __init__(self, clock: Callable[[], int], spans: Sampled | None = None) -> None:
        self._clock = clock
        self._spans = spans
        self._in_hand: dict[tuple[str, int], _InHand] = {}
        self._learned: dict[int, int] = {}
        self._begins: dict[tuple[str, int], int] = {}
        self._told: dict[tuple[str, int], deque[Passage]] = {}
        self.event_to_state = Durations()
        self.stages = {name: Durations() for name in ("read", "learn", "store")}

    def read(self, kind: str, batch: Batch) -> None:
        """A batch is taken in hand."""
        records = batch.records
        offsets = np.fromiter((record.offset for record in records), np.int64, len(records))
        times = np.fromiter((record.timestamp for record in records), np.int64, len(records))
        place = (kind, batch.partition)
        self._in_hand[place] = _InHand(records, offsets, times, self._clock())
        self._begins[place] = batch.begin

    def learned(self, step: Any) -> None:
        """A part of a batch is folded, and not yet written."""
        if len(self._learned) >= UNFINISHED:  # steps that were refused are never stored
            self._learned.clear()
        self._learned[id(step)] = self._clock()

    def stored(self, kind: str, partition: int, step: Any) -> dict[str, int]:
        """It is written: of `items` the record times (ms) by item id are returned, of others nothing."""
        now, place = self._clock(), (kind, partition)
        learned, hand = self._learned.pop(id(step), now), self._in_hand.get(place)
        begin, end = self._begins.get(place, 0), step.head.next.get(kind, 0)
        if hand is None or end <= begin:
            return {}
        self._begins[place] = end
        inside = (hand.offsets >= begin) & (hand.offsets < end)
        times = hand.times[inside]
        if not len(times):
            return {}
        passage = Passage(
            kind, begin, end, len(times), int(times[0]), int(times.max()), hand.read_ms, learned, now
        )  # fmt: skip
        self._count(kind, passage, times)
        self._tell(place, passage)
        taken = [hand.records[index] for index in np.flatnonzero(inside).tolist()] if self._spans else []
        if self._spans:
            self._send(self._spans, partition, passage, taken, getattr(step, "learned", ()))
        if kind != "items":
            return {}
        whole = ((record.key, record.timestamp) for record in hand.records if begin <= record.offset < end)
        return {key.decode("utf-8", "replace"): when for key, when in whole if key and when > 0}

    def take(self) -> dict[tuple[str, int], list[Passage]]:
        """The stretches since the last call, by topic and partition."""
        told, self._told = self._told, {}
        return {place: list(passages) for place, passages in told.items()}

    def figures(self) -> dict[str, Any]:
        """The histograms: seconds from an interaction's record to the state, and of each stage."""
        return {
            "event_to_state": self.event_to_state.as_dict(),
            "stages": {name: durations.as_dict() for name, durations in self.stages.items()},
        }

    def _count(self, kind: str, passage: Passage, times: Any) -> None:
        if kind == "interactions":
            self.event_to_state.add((passage.stored - times) / 1000.0)
            self.stages["read"].add((passage.read - times) / 1000.0)
            spent = {"learn": passage.learned - passage.read, "store": passage.stored - passage.learned}
            for name, ms in spent.items():
                self.stages[name].add(ms / 1000.0, len(times))

    def _tell(self, place: tuple[str, int], passage: Passage) -> None:
        told = self._told.setdefault(place, deque())
        if len(told) >= A_BEAT and told[-1].next == passage.begin:
            passage = told.pop().joined(passage)
        told.append(passage)
        if len(told) > KEPT:  # nobody takes them: the store is away
            told.popleft()

    def _send(
        self, spans: Sampled, partition: int, passage: Passage, records: Iterable[Record], learned: Iterable[Any]
    ) -> None:
        places: dict[str, str | int | float | bool] = {
            "messaging.destination.name": passage.topic,
            "messaging.destination.partition.id": str(partition),
            "coldspring.offset.begin": passage.begin,
            "coldspring.offset.next": passage.next,
            "messaging.batch.message_count": passage.records,
        }
        batch = secrets.token_hex(16)
        parts = (
            ("learn", passage.read, passage.learned),
            ("store", passage.learned, passage.stored),
        )
        own: list[str] = []
        for event in learned:
            trace = trace_id(event.event_id) if event.event_id else ""
            if trace and spans.takes(trace):
                own.append(trace)
                published = _published(event.event_id, records) or passage.published
                waited = ("wait", published, max(published, passage.read))
                spans.send(Span(trace, "event", published, passage.stored, places, (batch,), (waited, *parts)))
        spans.send(Span(batch, "batch", passage.read, passage.stored, places, tuple(own), parts))


def _published(event_id: str, records: Iterable[Record]) -> int:
    """The time of the record that holds an event, ms; 0 where it is not found."""
    wanted = event_id.encode()
    return next((record.timestamp for record in records if wanted in (record.value or b"")), 0)


def write_published(client: Any, keys: ItemKeys, published: dict[str, int]) -> None:
    """Keep when items were announced, ms, in their life; the first time counts. A store that is away loses it."""
    if not published:
        return
    with suppress(redis.RedisError, OSError):
        pipe = client.pipeline(transaction=False)
        for item_id, when in published.items():
            pipe.hsetnx(keys.life, f"published:{item_id}", when)
        pipe.execute()


def write(client: Any, keys: Keys, told: dict[tuple[str, int], list[Passage]]) -> None:
    """Keep stretches in Redis, the newest of each partition. Raises redis' errors."""
    if not told:
        return
    pipe = client.pipeline(transaction=False)
    for (kind, partition), passages in told.items():
        key = (keys.items(partition) if kind == "items" else keys.users(partition)).passages
        pipe.lpush(key, *map(encode_passage, passages))
        pipe.ltrim(key, 0, KEPT - 1)
    pipe.execute()
