"""The stations of an item's life: what serving marks (indexed, first recommended), and how all are read."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import redis.asyncio as redis
from redis.exceptions import RedisError

from recommender.durations import Durations
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.passages import trace_id
from recommender.spans import Sampled, Span
from recommender.vectors import BadVectorError, decode_stored

log = logging.getLogger(__name__)

STAGES: Final = ("published", "arrived", "encoded", "indexed", "first_recommended")
"""In their order; `published` is the time of the item's first record in the log."""
REMEMBERED: Final = 200_000
PAUSE_S: Final = 0.1
PAGE: Final = 500
BOUNDS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


Life = dict[str, int | None]


async def read_lives(client: Any, keys: Keys, partitions: int, item_ids: Sequence[str]) -> list[Life]:
    """When items were published, arrived, were encoded (told by the stored vector), ...: ms or None, by stage."""
    space = await client.get(keys.space)
    async with client.pipeline(transaction=False) as pipe:
        for item_id in item_ids:
            own = keys.items(partition_of(item_id, partitions))
            pipe.hmget(own.life, [f"{stage}:{item_id}" for stage in STAGES])
            pipe.hget(own.vectors(space.decode() if space else ""), item_id)
        answers = await pipe.execute()
    return [
        _life(item_id, values, stored)
        for item_id, values, stored in zip(item_ids, answers[::2], answers[1::2], strict=True)
    ]


def _life(item_id: str, values: Sequence[bytes | None], stored: bytes | None) -> Life:
    life: Life = {stage: int(value) if value else None for stage, value in zip(STAGES, values, strict=True)}
    if life["encoded"] is None and stored:
        try:
            life["encoded"] = decode_stored(stored).encoded_ms
        except BadVectorError:
            log.warning("the stored vector of item %r can't be read", item_id[:80])
    return life


class LifeLog:
    """Writes marks in the background; the first mark of a stage counts, and nothing waits for it.

    Parameters
    ----------
    clock
        Wall time in ms.
    spans
        Where spans of an item's life go, if anywhere.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        item_partitions: int,
        clock: Callable[[], int],
        spans: Sampled | None = None,
    ) -> None:
        self._client: Any = client
        self._keys = keys
        self._partitions = item_partitions
        self._clock = clock
        self._spans = spans
        self._marked: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._waiting: dict[tuple[str, str], int] = {}
        self._searchable = Durations(BOUNDS_S)
        self._stages = {stage: Durations(BOUNDS_S) for stage in STAGES[1:]}

    def indexed(self, item_ids: Iterable[str]) -> None:
        """These items are found by searches now."""
        self._note("indexed", item_ids)

    def recommended(self, item_ids: Iterable[str]) -> None:
        """These items are in a list that is served now."""
        self._note("first_recommended", item_ids)

    def _note(self, stage: str, item_ids: Iterable[str]) -> None:
        now = self._clock()
        for item_id in item_ids:
            key = (stage, item_id)
            if key not in self._marked:
                self._marked[key] = None
                self._waiting[key] = now
        while len(self._marked) > REMEMBERED:
            self._marked.popitem(last=False)

    async def flush(self) -> None:
        """Write what waits; keeps it if the store is away."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for (stage, item_id), when in waiting.items():
                    life_key = self._keys.items(partition_of(item_id, self._partitions)).life
                    pipe.hsetnx(life_key, f"{stage}:{item_id}", when)
                firsts = [key for key, first in zip(waiting, await pipe.execute(), strict=True) if first]
            for begin in range(0, len(firsts), PAGE):
                page = firsts[begin : begin + PAGE]
                names = [item_id for _, item_id in page]
                lives = await read_lives(self._client, self._keys, self._partitions, names)
                for (stage, item_id), life in zip(page, lives, strict=True):
                    self._measure(stage, item_id, life)
        except (RedisError, OSError, TimeoutError):
            self._waiting = {**self._waiting, **waiting}
            while len(self._waiting) > REMEMBERED:
                self._waiting.pop(next(iter(self._waiting)))

    def figures(self) -> dict[str, Any]:
        """For the status: seconds from an item's record to its being searchable here, and of each stage."""
        stages = {stage: durations.as_dict() for stage, durations in self._stages.items()}
        return {"item_to_searchable": self._searchable.as_dict(), "item_stages": stages}

    def _measure(self, stage: str, item_id: str, life: Mapping[str, int | None]) -> None:
        """An item came to a stage for the first time: what is known now of its way there."""
        begin, end = life["published"] or life["arrived"], life[stage]
        if begin is None or end is None:
            return
        if stage == "indexed":
            self._searchable.add(max(0, end - begin) / 1000.0)
        known = [(name, when) for name in STAGES if (when := life[name]) is not None]
        # The embedding worker reads the same record as the state's agent, and may be there first.
        steps = [(name, before, when) for (_, before), (name, when) in pairwise(known)]
        last = stage == "first_recommended"
        fresh = [step for step in steps if (step[0] == "first_recommended") == last]
        for name, before, when in fresh:
            self._stages[name].add(max(0, when - before) / 1000.0)
        trace = trace_id(item_id)
        if self._spans and fresh and self._spans.takes(trace):
            parts = tuple((name, before, max(before, when)) for name, before, when in fresh)
            self._spans.send(Span(trace, "item", parts[0][1], parts[-1][2], {"coldspring.item": item_id}, (), parts))

    async def run(self) -> None:
        """Write from time to time until cancelled."""
        while True:
            await asyncio.sleep(PAUSE_S)
            await self.flush()
