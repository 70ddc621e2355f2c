"""The state of a running system as Redis holds it: positions, counts, digest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from coldspring.errors import CommandError
from recommender.event_types import EventTypes
from recommender.head import ItemHead, UserHead, decode_item_head, decode_user_head
from recommender.keys import Keys
from recommender.topics import Topics

if TYPE_CHECKING:
    import redis

DIGEST_TRIES = 20
PAUSE_S = 0.2
STATEFUL = ("interactions", "profiles", "forgets", "items")
"""Topics whose positions the state holds."""


class LiveState:
    """Reads what the workers wrote.

    Parameters
    ----------
    client: of the Redis that they write to.
    cluster: id of the Kafka cluster that the state belongs to.
    """

    def __init__(self, client: redis.Redis, cluster: str, topics: Topics, types: EventTypes) -> None:
        self._client: Any = client
        self._keys = Keys(cluster, topics.prefix)
        self._topics = topics
        self._types = types

    def positions(self) -> dict[str, list[int]]:
        """The next offset of each partition that the state includes, by topic."""
        users, items = self.heads()
        found = {topic: [head.next.get(topic, 0) for head in users] for topic in STATEFUL[:3]}
        found["items"] = [head.next.get("items", 0) for head in items]
        return found

    def counts(self) -> dict[str, int]:
        """Interactions applied, repeated and set aside."""
        users, _ = self.heads()
        return {
            "applied": sum(head.applied for head in users),
            "duplicates": sum(head.duplicates for head in users),
            "dead_letters": sum(head.dead_letters for head in users),
        }

    def quality(self) -> dict[str, Any]:
        """What the trainer says of its models: `tested` events, `models` with their hit rates, `examples` learned."""
        data = self._client.get(self._keys.trainer("quality"))
        return dict(msgspec.json.decode(data)) if data else {}

    def report(self) -> dict[str, Any]:
        """{"digest", "position", "counts"} of one moment.

        Raises
        ------
        CommandError: when events keep arriving, so that no two looks agree.
        """
        from streams.digest import digest
        from streams.redis_store import RedisItemStore, RedisUserStore

        users = [RedisUserStore(self._client, self._keys.users(p)) for p in range(self._topics.partitions)]
        items = [RedisItemStore(self._client, self._keys.items(p)) for p in range(self._topics.item_partitions)]
        for _ in range(DIGEST_TRIES):
            before = self.heads()
            found = digest(users, items, self._types.names)
            if self.heads() == before:
                position = [head.next.get("interactions", 0) for head in before[0]]
                return {"digest": found, "position": {"interactions": position}, "counts": self.counts()}
            time.sleep(PAUSE_S)
        raise CommandError("events keep arriving while the digest is made; try again when it is quiet")

    def unlearning(self) -> dict[int, str]:
        """Partitions that still count events of somebody forgotten: why they can't help it, or "" while they work."""
        users, _ = self.heads()
        owing = [p for p, head in enumerate(users) if head.unlearned < head.next.get("forgets", 0)]
        told = {p: self._client.hget(self._keys.users(p).unlearning, "rebuild") or b"{}" for p in owing}
        return {partition: str(msgspec.json.decode(data).get("gap", "")) for partition, data in told.items()}

    def clear(self) -> None:
        """Remove all that is kept under this prefix: for a state that was made to be compared and dropped."""
        for key in self._client.scan_iter(match=f"{self._keys.root}:*", count=1_000):
            self._client.unlink(key)

    def heads(self) -> tuple[list[UserHead], list[ItemHead]]:
        """The heads of all partitions of users and of items."""
        users = self._client.mget([self._keys.users(p).head for p in range(self._topics.partitions)])
        items = self._client.mget([self._keys.items(p).head for p in range(self._topics.item_partitions)])
        return [decode_user_head(data) for data in users], [decode_item_head(data) for data in items]


def wait_until_read(
    positions: Callable[[], Mapping[str, Sequence[int]]],
    ends: Mapping[str, Sequence[int]],
    meanwhile: Callable[[], None] = lambda: None,
    timeout_s: float = 600.0,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return when the state includes every record before `ends`.

    Raises
    ------
    CommandError: when nothing moved for `timeout_s`.
    """
    moved, before = clock(), None
    while True:
        now = positions()
        if all(at >= end for topic, wanted in ends.items() for at, end in zip(now[topic], wanted, strict=True)):
            return
        if now != before:
            moved, before = clock(), now
        if clock() - moved > timeout_s:
            raise CommandError(f"the worker did not get on for {timeout_s:g} s: is one running?")
        meanwhile()
        time.sleep(PAUSE_S / 4)
