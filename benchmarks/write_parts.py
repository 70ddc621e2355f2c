"""What one guarded write of the click worker holds: its values and their bytes, by part. For `benchmarks.writes`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from streams.memory_store import id_chunks
from streams.redis_store import _users_changed, field
from streams.store import UserWrite

INDEX_BYTES = len(field(0))
"""An item's field in the hashes of counts and neighbour rows."""


class Content(msgspec.Struct, frozen=True):
    """Sizes of the values in a write, each with its key or field (bytes), and its bytes by part."""

    sizes: list[int]
    parts: dict[str, int]

    @property
    def total(self) -> int:
        """Bytes of all keys and values."""
        return sum(self.parts.values())


def content_of(write: UserWrite) -> Content:
    """Every row, name, chunk of ids and the head as one value each, as `RedisUserStore.write` puts them."""
    changes = write.changes
    sizes: dict[str, list[int]] = {
        "user rows": [len(user.encode()) + len(row or b"") for user, row in changes.users.items()],
        "neighbour rows": [INDEX_BYTES + len(row) for row in changes.rows.values()],
        "counts": [INDEX_BYTES + len(row) for row in changes.stats.values()],
        "dedupe ids": [len(marks) for _, marks in id_chunks(write.accepted_before, changes.event_ids)],
        "names and queue": [len(name.encode()) for name in (*changes.names, *changes.queue.pushed)],
        "head": [len(write.head)],
        # An entry of the stream by which readers learn what to look at again.
        "changes": [sum(len(name) + len(value) for name, value in _users_changed(write).items())],
    }
    return Content(
        [size for part in sizes.values() for size in part], {name: sum(part) for name, part in sizes.items()}
    )


def bytes_by_part(contents: Iterable[Content]) -> Counter[str]:
    """The bytes of many writes together."""
    found: Counter[str] = Counter()
    for content in contents:
        found.update(content.parts)
    return found
