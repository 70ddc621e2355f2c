"""A partition's exact tier while a synthetic log is folded into it, timed step by step."""

from __future__ import annotations

import gc
import os
import time
from typing import Final

import msgspec

from benchmarks.processes import used
from benchmarks.synthetic_log import GrowingLog
from online_models.caps import Caps
from online_models.dedupe import live_chunks
from online_models.row_source import Changes
from recommender.event_types import EventTypes
from streams import intake
from streams.memory_store import MemoryUserStore
from streams.new_numbers import renumber
from streams.store import UserWrite
from streams.user_shard import Step, UserShard

BATCH: Final = 1_000
IN_HAND: Final = 100_000
"""Users that a worker has in hand at most."""
WINDOW: Final = 100_000
"""Event ids that are remembered."""


class Growing:
    """Folds the log of a seed, as a worker does, over a store in this process.

    Attributes
    ----------
    counted
        Events since the last `reset`.
    took
        Processor seconds since then, of decoding, folding, collecting what changed, and numbering the items anew where
        many have left.
    row_bytes
        What was collected of neighbour rows since then: what a worker writes to Redis of them.
    """

    def __init__(self, seed: int, caps: Caps, in_hand: int = IN_HAND) -> None:
        self._log = GrowingLog(seed)
        self._types = EventTypes()
        self._store = MemoryUserStore()
        self._shard = UserShard(0, 1, self._store, self._types, "growing", b"k" * 16, WINDOW, in_hand, caps)
        self._shard.reopen()
        self._source = intake.Source("interactions", 0, 1)
        self.done = 0
        self.reset()

    def reset(self) -> None:
        """Count from here."""
        self.took = {"decode": 0.0, "fold": 0.0, "collect": 0.0, "renumber": 0.0}
        self.row_bytes = self.counted = 0

    def play(self, count: int) -> float:
        """Fold so many events more; processor seconds, without making them and without writing to the store."""
        before, end = sum(self.took.values()), self.done + count
        while self.done < end:
            records = self._log.records(self.done, min(end, self.done + BATCH))
            began = time.process_time()
            checked = intake.interactions(self._source, records, self._types)
            decoded = time.process_time()
            self._shard.state.fold(checked.events)
            folded = time.process_time()
            changes = self._shard.state.take_changes()
            collected = time.process_time()
            self.took["decode"] += decoded - began
            self.took["fold"] += folded - decoded
            self.took["collect"] += collected - folded
            self.row_bytes += sum(map(len, changes.rows.values()))
            self.done += len(records)
            self.counted += len(records)
            self._commit(changes)
            if self._shard.owes_numbers:
                began = time.process_time()
                renumber(self._shard, self._store)
                self.took["renumber"] += time.process_time() - began
        return sum(self.took.values()) - before

    def _commit(self, changes: Changes) -> None:
        state, before = self._shard.state, self._shard.head
        head = msgspec.structs.replace(
            before,
            next={"interactions": self.done},
            accepted=state.seen_ids.accepted,
            names=len(state.dictionary),
            clock=state.clock.times,
            types=list(self._types.names),
        )
        first = live_chunks(head.accepted, WINDOW).start
        self._shard.commit(Step(head, UserWrite(msgspec.json.encode(head), changes, before.accepted, first)))

    def held(self) -> dict[str, int]:
        """Resident bytes of this process, users and items that are held, and the numbers that items have."""
        gc.collect()
        names = self._shard.state.dictionary
        return {
            "rss": used([os.getpid()]).rss,
            "users": len(self._store.users),
            "items": names.live,
            "places": len(names),
        }
