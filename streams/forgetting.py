"""What a worker does about forgets, beyond its shards' own erasing: aliases, views, Redis' files, the counts.

The order of things: the forget's fold erases the user (one write, `user_shard`); before it, ids that were the same
person are sent to `forgets` too; after it, the trainer's row goes and Redis is asked to rewrite its files; then the
partition is folded again from the log without those events (`unlearner`, `rebuild`), and the files rewritten once more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import redis

from recommender.keys import Keys
from recommender.topics import Topics
from streams.checkpoint import drop_checkpoints
from streams.log_source import LogSource
from streams.new_numbers import NewNumbers
from streams.outbox import Outbox
from streams.rebuild import KINDS, Rebuild
from streams.redis_store import away
from streams.scrub import Scrub
from streams.steps import Steps
from streams.store import UserStore
from streams.unlearner import Unlearner, Unlearning
from streams.user_shard import Step, UserShard

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Behind:
    """A partition whose forgets up to a position Redis' files do not follow yet, of the state that it had then."""

    shard: UserShard
    position: int
    epoch: str


class Forgetting:
    """The forgetting of one worker process.

    Parameters
    ----------
    owned
        The user shards whose partitions this process holds now.
    make_shard
        A shard of a partition over a store.
    store
        The store of a partition.
    open_log
        Opens the log, to be folded again.
    checkpoints
        Where checkpoints of the partitions may lie.
    reached
        Told each moment of numbering anew by name, for tests.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        topics: Topics,
        outbox: Outbox,
        steps: Steps,
        owned: Callable[[], Iterable[UserShard]],
        make_shard: Callable[[int, UserStore], UserShard],
        store: Callable[[int], UserStore],
        open_log: Callable[[], Any],
        checkpoints: Path | None = None,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client: Any = client
        self._keys = keys
        self._names = {kind: topics.name(kind) for kind in KINDS}
        self._outbox = outbox
        self._steps = steps
        self._make_shard = make_shard
        self._store = store
        self._checkpoints = checkpoints
        self._owned = owned
        self._reached = reached
        self._scrub = Scrub(client, steps.run, self._behind, self._followed)
        self._unlearner = Unlearner(
            owned, self._rebuild, self._renumber, open_log, steps.alone, self._tell, outbox.forgets
        )

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What must run beside the agents."""
        return [self._unlearner.run(), self._scrub.run(), self._scrub.follow_restarts(self._keys.rewritten)]

    def order(self, partitions: Iterable[int]) -> None:
        """Fold these partitions again, whatever they owe."""
        self._unlearner.order(partitions)

    async def before_commit(self, step: Step) -> None:
        """Whoever was the same person is to be forgotten too; sent before the position moves on."""
        await self._outbox.forgets(step.aliases)

    async def after_commit(self, shard: UserShard, step: Step) -> None:
        """Take the forgotten out of what is not part of the partition's write."""
        if step.write.forgotten:
            await self._steps.beside(self._drop_views, step.write.forgotten)
            if self._checkpoints:
                await self._steps.run(drop_checkpoints, self._checkpoints, shard.partition)

    @away
    def _drop_views(self, users: list[str]) -> None:
        self._client.hdel(self._keys.trainer("mf_users"), *users)

    def _rebuild(self, shard: UserShard, log: LogSource) -> Rebuild:
        partition = shard.partition
        return Rebuild(shard, self._store(partition), lambda to: self._make_shard(partition, to), log, self._names)

    def _renumber(self, shard: UserShard) -> NewNumbers:
        return NewNumbers(shard, self._store(shard.partition), self._reached)

    @away
    def _tell(self, partition: int, told: Unlearning) -> None:
        self._client.hset(self._keys.users(partition).unlearning, "rebuild", msgspec.json.encode(told))

    async def _behind(self) -> list[Behind]:
        """Forgets of our partitions that Redis' files do not follow yet, maybe since an earlier owner's time."""
        all_of_them = [Behind(shard, shard.next_offset("forgets"), shard.head.epoch) for shard in self._owned()]
        forgot = [one for one in all_of_them if one.position]
        return await self._steps.run(self._unfollowed, forgot) if forgot else []

    @away
    def _unfollowed(self, forgot: list[Behind]) -> list[Behind]:
        with self._client.pipeline(transaction=False) as pipe:
            for one in forgot:
                pipe.hget(self._keys.users(one.shard.partition).unlearning, "files")
            followed = [int(files or 0) for files in pipe.execute()]
        return [one for one, files in zip(forgot, followed, strict=True) if files < one.position]

    @away
    def _followed(self, forgot: list[Behind]) -> None:
        for one in forgot:
            # In the meantime another state may have been put in its place (in this same thread): then once more.
            if one.shard.head.epoch == one.epoch:
                self._client.hset(self._keys.users(one.shard.partition).unlearning, "files", one.position)
