"""The state of partitions as they were: the log folded again in memory, up to a position.

The fold is the worker's own (`UserShard`). Interactions count up to the position; who was forgotten is taken as of now,
so that nothing of them comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from recommender.head import decode_user_head
from recommender.tombstones import Tombstones
from recommender.topics import Topics
from streams.checkpoint import Checkpoint, Checkpoints
from streams.log_source import LogGapError, LogSource
from streams.memory_store import MemoryUserStore
from streams.new_numbers import renumber
from streams.store import UserStore
from streams.user_shard import UserShard, mark_of

MakeShard = Callable[[int, UserStore], UserShard]
"""A shard of a partition over a store; always with the same settings and the same forget key."""


@dataclass(slots=True)
class PastPartition:
    """A partition at a position: `begun` is where a checkpoint spared the fold, `folded` the records that it took."""

    shard: UserShard
    store: MemoryUserStore
    begun: int
    folded: int = 0


@dataclass(frozen=True, slots=True)
class _Forgotten:
    tombstones: Tombstones
    next: int


class Past:
    """Partitions of `interactions` as they were.

    Parameters
    ----------
    log
        The log. Another one, as it might have been, may be given to single calls.
    checkpoints
        Where a fold may begin; None: always at the first record.
    """

    def __init__(
        self, log: LogSource, topics: Topics, make_shard: MakeShard, checkpoints: Checkpoints | None = None
    ) -> None:
        self._log = log
        self._topics = topics
        self._make_shard = make_shard
        self._checkpoints = checkpoints
        self._forgotten: dict[int, _Forgotten] = {}

    def partition(
        self,
        partition: int,
        position: int,
        base_before: int | None = None,
        log: LogSource | None = None,
        reached: Callable[[PastPartition], None] = lambda _: None,
    ) -> PastPartition:
        """The state that includes every interaction before `position`.

        Parameters
        ----------
        base_before: no checkpoint beyond this offset may be used: what follows it is not as it was.
        log: the log as it might have been.
        reached: called after each batch.

        Raises
        ------
        LogGapError: when the log does not reach back to the first record, or a position is not written yet.
        LogAwayError: when it does not answer.
        """
        past = self._begin(partition, position if base_before is None else min(position, base_before))
        name = self._topics.interactions
        begin = past.shard.next_offset("interactions")
        for batch in (log or self._log).read(name, partition, begin, position) if begin < position else ():
            past.shard.commit(past.shard.fold("interactions", batch))
            if past.shard.owes_numbers:
                renumber(past.shard, past.store)
            past.folded += len(batch.records)
            reached(past)
        return past

    def save(self, partition: int, past: PastPartition) -> None:
        """Write a checkpoint of it, if there is a place for checkpoints."""
        if self._checkpoints is not None:
            self._checkpoints.save(self._who(partition).next, partition, past.store)

    def _begin(self, partition: int, limit: int) -> PastPartition:
        forgotten = self._who(partition)
        base = self._base(partition, limit, forgotten.next)
        store = MemoryUserStore()
        if base is not None:
            base.fill(store)
            head = decode_user_head(store.head)
            store.head = msgspec.json.encode(msgspec.structs.replace(head, forget_key=forgotten.tombstones.key_id))
            store.buried = dict(forgotten.tombstones.table)
        shard = self._make_shard(partition, store)
        shard.reopen()
        if base is None:
            shard.remember(forgotten.tombstones)
        return PastPartition(shard, store, base.position if base else 0)

    def _base(self, partition: int, limit: int, forgets: int) -> Checkpoint | None:
        if self._checkpoints is None:
            return None
        found = self._checkpoints.nearest(partition, limit, forgets)
        if found is not None and not self._is_of_this_log(partition, found):
            self._checkpoints.drop(partition)
            return None
        return found

    def _is_of_this_log(self, partition: int, checkpoint: Checkpoint) -> bool:
        """Is the last record that it includes still the one in the log? A topic may have been made anew."""
        mark = decode_user_head(checkpoint.head).marks.get("interactions")
        if mark is None:
            return True
        try:
            batches = list(self._log.read(self._topics.interactions, partition, mark.offset, mark.offset + 1))
        except LogGapError as gap:
            return gap.held > mark.offset + 1  # gone by age; or else the log is shorter than it was
        return all(mark_of(record) == mark for batch in batches for record in batch.records)

    def _who(self, partition: int) -> _Forgotten:
        """Who was forgotten up to now, by a fold of the partition's forgets."""
        if partition not in self._forgotten:
            name = self._topics.forgets
            first, end = self._log.bounds(name, partition)
            if first:
                raise LogGapError(name, partition, 0, first)
            scratch = self._make_shard(partition, MemoryUserStore())
            scratch.reopen()
            for batch in self._log.read(name, partition, 0, end) if end else ():
                scratch.commit(scratch.fold("forgets", batch))
            self._forgotten[partition] = _Forgotten(scratch.tombstones, end)
        return self._forgotten[partition]
