"""The store of a direct replay and of unit tests: rows in dictionaries, the same guard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from online_models.dedupe import CHUNK, DIGEST_BYTES, live_chunks
from recommender.head import decode_user_head
from streams.store import ItemWrite, LoadedUsers, UserWrite


class MemoryUserStore:
    """One partition of users in memory."""

    has_items = True

    def __init__(self) -> None:
        self.owner = ""
        self.head: bytes | None = None
        self.names: list[str] = []
        self.users: dict[str, bytes] = {}
        self.profile_rows: dict[str, bytes] = {}
        self.stats: dict[int, bytes] = {}
        self.rows: dict[int, bytes] = {}
        self.queue: list[str] = []
        self.chunks: dict[int, bytearray] = {}
        self.buried: dict[bytes, int] = {}
        self._aside: MemoryUserStore | None = None

    def claim(self, token: str) -> None:
        self.owner = token

    def load(self, window: int) -> LoadedUsers:
        chunks = [
            bytes(self.chunks[k]) for k in live_chunks(decode_user_head(self.head).accepted, window) if k in self.chunks
        ]
        return LoadedUsers(self.head, list(self.names), chunks, list(self.queue))

    def user_rows(self, user_ids: Sequence[str]) -> list[bytes | None]:
        return [self.users.get(user_id) for user_id in user_ids]

    def item_rows(self, indexes: Sequence[int]) -> list[tuple[bytes | None, bytes | None]]:
        return [(self.stats.get(index), self.rows.get(index)) for index in indexes]

    def item_stats(self, indexes: Sequence[int]) -> list[bytes | None]:
        return [self.stats.get(index) for index in indexes]

    def profiles(self, user_ids: Sequence[str]) -> list[bytes | None]:
        return [self.profile_rows.get(user_id) for user_id in user_ids]

    def tombstones(self) -> dict[bytes, int]:
        return dict(self.buried)

    def write(self, token: str, expected_head: bytes | None, write: UserWrite) -> bool:
        if token != self.owner or expected_head != self.head:
            return False
        changes = write.changes
        replace(self.users, changes.users)
        self.stats.update(changes.stats)
        self.rows.update(changes.rows)
        self.names.extend(changes.names)
        for index in changes.gone:
            self.names[index] = ""
            self.stats.pop(index, None)
            self.rows.pop(index, None)
        queue = changes.queue
        for user_id in queue.removed:
            self.queue.remove(user_id)
        self.queue.extend(queue.pushed)
        del self.queue[: queue.popped]
        for chunk, marks in id_chunks(write.accepted_before, changes.event_ids):
            self.chunks.setdefault(chunk, bytearray()).extend(marks)
        for chunk in [k for k in self.chunks if k < write.first_chunk]:
            del self.chunks[chunk]
        replace(self.profile_rows, write.profiles)
        self.buried.update(write.tombstones)
        self.head = write.head
        return True

    def aside(self) -> MemoryUserStore:
        if self._aside is None:
            self._aside = MemoryUserStore()
        return self._aside

    def clear(self) -> None:
        vars(self).update(vars(MemoryUserStore()))

    def swap(self, token: str, expected_head: bytes | None, head: bytes) -> bool:
        if token != self.owner or expected_head != self.head:
            return False
        vars(self).update({**vars(self.aside()), "owner": token, "head": head, "_aside": None})
        return True

    def swap_rows(self, token: str, expected_head: bytes | None, head: bytes, aside_head: bytes) -> bool:
        aside = self.aside()
        if token != self.owner or expected_head != self.head or aside.head != aside_head:
            return False
        self.users, self.names, self.stats, self.rows = aside.users, aside.names, aside.stats, aside.rows
        self.head, self._aside = head, None
        return True

    def all_users(self) -> Iterator[tuple[str, bytes]]:
        yield from list(self.users.items())  # they may change meanwhile

    def all_profiles(self) -> Iterator[tuple[str, bytes]]:
        yield from self.profile_rows.items()

    def all_item_rows(self) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        for index, stats in self.stats.items():
            yield index, stats, self.rows.get(index)


class MemoryItemStore:
    """One partition of items in memory."""

    def __init__(self) -> None:
        self.owner = ""
        self.head_bytes: bytes | None = None
        self.items: dict[str, bytes] = {}

    def claim(self, token: str) -> None:
        self.owner = token

    def head(self) -> bytes | None:
        return self.head_bytes

    def write(self, token: str, expected_head: bytes | None, write: ItemWrite) -> bool:
        if token != self.owner or expected_head != self.head_bytes:
            return False
        replace(self.items, write.items)
        self.head_bytes = write.head
        return True

    def all_items(self) -> Iterator[tuple[str, bytes]]:
        yield from self.items.items()


def replace(rows: dict[str, bytes], changed: Mapping[str, bytes | None]) -> None:
    """Set what changed, delete where None is given."""
    for name, data in changed.items():
        if data is None:
            rows.pop(name, None)
        else:
            rows[name] = data


def id_chunks(accepted_before: int, marks: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """The bytes to append to each chunk of accepted event ids.

    >>> [(chunk, len(data)) for chunk, data in id_chunks(4095, [b"0123456789abcdef"] * 3)]
    [(0, 16), (1, 32)]
    """
    at = 0
    while at < len(marks):
        chunk, filled = divmod(accepted_before + at, CHUNK)
        part = marks[at : at + CHUNK - filled]
        if any(len(mark) != DIGEST_BYTES for mark in part):
            raise ValueError("an event id's fingerprint has 16 bytes")
        yield chunk, b"".join(part)
        at += len(part)
