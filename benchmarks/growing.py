"""A partition's exact tier while a synthetic log is folded into it, timed step by step."""

from __future__ import annotations

import gc
import os
import time
from typing import Final

from benchmarks.processes import used
from benchmarks.synthetic_log import GrowingLog
from online_models.caps import Caps
from online_models.packed_users import PackedUsers
from online_models.partition_state import PartitionState
from recommender.event_types import EventTypes
from streams import intake

BATCH: Final = 1_000
IN_HAND: Final = 100_000
"""Users that a worker has in hand at most."""


class Growing:
    """Folds the log of a seed.

    Attributes
    ----------
    counted
        Events since the last `reset`.
    took
        Processor seconds since then, of decoding, folding and collecting what changed.
    row_bytes
        What was collected of neighbour rows since then: what a worker writes to Redis of them.
    """

    def __init__(self, seed: int, caps: Caps, in_hand: int = IN_HAND) -> None:
        self._log = GrowingLog(seed)
        self._types = EventTypes()
        self._rows = PackedUsers()
        self._state = PartitionState(self._types, self._rows, max_users=in_hand, caps=caps)
        self._source = intake.Source("interactions", 0, 1)
        self.done = 0
        self.reset()

    def reset(self) -> None:
        """Count from here."""
        self.took = {"decode": 0.0, "fold": 0.0, "collect": 0.0}
        self.row_bytes = self.counted = 0

    def play(self, count: int) -> float:
        """Fold so many events more; processor seconds, without making them and without keeping the users' rows."""
        before, end = sum(self.took.values()), self.done + count
        while self.done < end:
            records = self._log.records(self.done, min(end, self.done + BATCH))
            began = time.process_time()
            checked = intake.interactions(self._source, records, self._types)
            decoded = time.process_time()
            self._state.fold(checked.events)
            folded = time.process_time()
            changes = self._state.take_changes()
            collected = time.process_time()
            self.took["decode"] += decoded - began
            self.took["fold"] += folded - decoded
            self.took["collect"] += collected - folded
            self.row_bytes += sum(map(len, changes.rows.values()))
            self.done += len(records)
            self.counted += len(records)
            for user, row in changes.users.items():
                if row is None:
                    self._rows.rows.pop(user, None)
                else:
                    self._rows.rows[user] = row
        return sum(self.took.values()) - before

    def held(self) -> dict[str, int]:
        """Resident bytes of this process, users and items that are held, and the places that items ever had."""
        gc.collect()
        names = self._state.dictionary
        return {
            "rss": used([os.getpid()]).rss,
            "users": len(self._rows.rows),
            "items": names.live,
            "places": len(names),
        }
