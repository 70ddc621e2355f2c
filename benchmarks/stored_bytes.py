"""What Redis takes for a user, an item and a vector: `MEMORY USAGE` of every key, by kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from recommender.keys import Keys
from recommender.topics import Topics

USER_KINDS: Final = ("users", "profiles", "interests", "shown", "queue", "mf_users")
ITEM_KINDS: Final = ("names", "stats", "rows", "items", "life", "mf_items")
OTHER_KINDS: Final = ("tombstones", "passages", "changes")
ID_CHUNKS: Final = 1_000


@dataclass(slots=True)
class Stored:
    """Bytes by kind of key, all partitions together, and how many users, items, ... they hold."""

    bytes: dict[str, int] = field(default_factory=dict)
    users: int = 0
    items: int = 0
    vectors: int = 0
    interests: int = 0

    @property
    def a_user(self) -> float:
        """All that is kept by user, a user."""
        return self._sum(USER_KINDS) / max(1, self.users)

    @property
    def an_item(self) -> float:
        """All that is kept by item, in the partitions of items and in those of users, but for the vector; an item."""
        return self._sum(ITEM_KINDS) / max(1, self.items)

    @property
    def a_vector(self) -> float:
        """A vector."""
        return self.bytes.get("vectors", 0) / max(1, self.vectors)

    def _sum(self, kinds: tuple[str, ...]) -> int:
        return sum(self.bytes.get(kind, 0) for kind in kinds)


def stored(client: Any, keys: Keys, topics: Topics) -> Stored:
    """Look at every key; each of a hash's fields is looked at, none is estimated."""
    found = Stored()
    for kind, key in named(client, keys, topics):
        found.bytes[kind] = found.bytes.get(kind, 0) + (client.memory_usage(key, samples=0) or 0)
        if kind in ("users", "items", "vectors", "interests"):
            setattr(found, kind, getattr(found, kind) + client.hlen(key))
    return found


def named(client: Any, keys: Keys, topics: Topics) -> Iterator[tuple[str, str]]:
    """Kind and name of every key; those of accepted event ids, a window of fixed length, go together as `ids`."""
    for partition in range(topics.partitions):
        users = keys.users(partition)
        for kind in ("users", "profiles", "interests", "shown", "queue", "names", "stats", "rows", *OTHER_KINDS):
            yield kind, getattr(users, kind)
        for name in client.scan_iter(match=users.ids("*"), count=ID_CHUNKS):
            yield "ids", name
    space = (client.get(keys.space) or b"").decode()
    for partition in range(topics.item_partitions):
        items = keys.items(partition)
        for kind in ("items", "life", "passages", "changes"):
            yield kind, getattr(items, kind)
        yield "vectors", items.vectors(space)
    for kind in ("mf_users", "mf_items"):
        yield kind, keys.trainer(kind)


def a_full_user(client: Any, keys: Keys, partition: int, user: str) -> int:
    """Bytes of one user's own rows, without what the hashes take around them."""
    own = keys.users(partition)
    found = [own.users, own.profiles, own.interests, own.shown, keys.trainer("mf_users")]
    return sum(client.hstrlen(key, user) for key in found)
