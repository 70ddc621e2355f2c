"""What a partition's state needs of a store: one load, rows on demand, one guarded write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from online_models.row_source import Changes, RowSource


class StoreAwayError(Exception):
    """The store does not answer, or cannot take the write now: wait and try again."""


@dataclass(frozen=True, slots=True)
class LoadedUsers:
    """What `UserStore.load` gives: the head's bytes, item names, chunks of accepted event ids, the users' queue."""

    head: bytes | None
    names: list[str]
    chunks: list[bytes]
    queue: list[str] = field(default_factory=list)


@dataclass(slots=True)
class UserWrite:
    """One batch's effects on a partition of users, with the head that includes them."""

    head: bytes
    changes: Changes = field(default_factory=Changes)
    accepted_before: int = 0
    first_chunk: int = 0
    profiles: dict[str, bytes | None] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    """Users of whom nothing may be left, in views either."""
    tombstones: dict[bytes, int] = field(default_factory=dict)
    """What stands for them from now on, with the event time up to which they were forgotten."""


class UserStore(RowSource, Protocol):
    """One partition of users. Every call may raise `StoreAwayError`."""

    def claim(self, token: str) -> None:
        """Become the one that may write."""
        ...

    def load(self, window: int) -> LoadedUsers:
        """The state's frame, with the last `window` event ids; rows are read on demand."""
        ...

    def profiles(self, user_ids: Sequence[str]) -> list[bytes | None]:
        """Stored profiles."""
        ...

    def tombstones(self) -> dict[bytes, int]:
        """Event times up to which users were forgotten, by keyed hash."""
        ...

    def write(self, token: str, expected_head: bytes | None, write: UserWrite) -> bool:
        """All of `write` or nothing; False if the head or the owner is another than expected."""
        ...

    def aside(self) -> UserStore:
        """A store beside this one, for a state that is made while this one serves."""
        ...

    def clear(self) -> None:
        """Remove everything."""
        ...

    def swap(self, token: str, expected_head: bytes | None, head: bytes) -> bool:
        """Put what lies aside in place of what is here, with this head; guarded as `write` is."""
        ...

    def swap_rows(self, token: str, expected_head: bytes | None, head: bytes, aside_head: bytes) -> bool:
        """Put what lies aside of users, names, counts and neighbour rows in place of that here, with this head.

        All else stays. Guarded as `write` is, and by the head of what lies aside.
        """
        ...

    def all_users(self) -> Iterator[tuple[str, bytes]]:
        """Every user's row."""
        ...

    def all_profiles(self) -> Iterator[tuple[str, bytes]]:
        """Every profile."""
        ...

    def all_item_rows(self) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """Every item's local index, counts and neighbour row."""
        ...


@dataclass(slots=True)
class ItemWrite:
    """One batch's effects on a partition of items: item bytes by id, None for a removal."""

    head: bytes
    items: dict[str, bytes | None] = field(default_factory=dict)
    arrived_ms: int = 0


class ItemStore(Protocol):
    """One partition of items. Every call may raise `StoreAwayError`."""

    def claim(self, token: str) -> None:
        """Become the one that may write."""
        ...

    def head(self) -> bytes | None:
        """The head's bytes."""
        ...

    def write(self, token: str, expected_head: bytes | None, write: ItemWrite) -> bool:
        """All of `write` or nothing; False if the head or the owner is another than expected."""
        ...

    def all_items(self) -> Iterator[tuple[str, bytes]]:
        """Every live item."""
        ...
