"""What users were shown lately, for fatigue: a view of the impressions among their events.

It is written after the state, as it comes; what a crash loses of it makes a list or two less varied and heals with the
next impression. It goes with the user: `RedisUserStore.write` erases it with their row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import redis

from recommender.events import Interaction
from recommender.fatigue import ShownLists, decode_shown, take
from recommender.keys import Keys
from streams.redis_store import away

USERS: Final = 50_000
"""Users remembered, a partition: what was shown matters for some hours, so with more of them all begin anew."""


def impressions_of(events: Iterable[Interaction]) -> dict[str, list[Interaction]]:
    """The impressions among events, by user, in their order."""
    out: dict[str, list[Interaction]] = {}
    for event in events:
        if event.type == "impression":
            out.setdefault(event.user_id, []).append(event)
    return out


class ShownWriter:
    """Keeps the view in Redis. Blocking."""

    def __init__(self, client: redis.Redis, keys: Keys, users: int = USERS) -> None:
        self._client: Any = client
        self._keys = keys
        self._users = users

    @away
    def note(self, partition: int, found: Mapping[str, Sequence[Interaction]]) -> None:
        """Take in a partition's impressions, by user (`impressions_of`), at least one."""
        key, names = self._keys.users(partition).shown, list(found)
        pipe = self._client.pipeline(transaction=False)
        pipe.hlen(key)
        pipe.hmget(key, names)
        size, stored = pipe.execute()
        if size > self._users:
            self._client.unlink(key)
            stored = [None] * len(names)
        rows = {name: take(decode_shown(data), found[name]).encode() for name, data in zip(names, stored, strict=True)}
        self._client.hset(key, mapping=rows)


class ShownInMemory:
    """The same view in a process, as a replay has it."""

    def __init__(self, users: int = USERS) -> None:
        self._lists: dict[str, ShownLists] = {}
        self._users = users

    def note(self, learned: Sequence[Interaction], forgotten: Iterable[str] = ()) -> None:
        """Take in the impressions among learned events; drop what is held of the forgotten."""
        if len(self._lists) > self._users:
            self._lists.clear()
        for name, events in impressions_of(learned).items():
            self._lists[name] = take(self._lists.get(name, ShownLists()), events)
        for name in forgotten:
            self._lists.pop(name, None)

    def get(self, user_id: str) -> ShownLists:
        """What a user was shown lately."""
        return self._lists.get(user_id, ShownLists())
