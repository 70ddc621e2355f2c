"""Where a state's rows come from, and what a batch changed of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from online_models.user_queue import QueueChanges


class RowSource(Protocol):
    """Where rows come from that a worker does not have in hand; without `has_items` those of items always are."""

    has_items: bool

    def user_rows(self, user_ids: Sequence[str]) -> list[bytes | None]:
        """Rows of users, None for the unknown."""
        ...

    def item_rows(self, indexes: Sequence[int]) -> list[tuple[bytes | None, bytes | None]]:
        """(counts, neighbours) of items by local index, None where nothing is stored."""
        ...

    def item_stats(self, indexes: Sequence[int]) -> list[bytes | None]:
        """Counts of items by local index, None where nothing is stored."""
        ...


class NoRows:
    """A source for a state that keeps everything in hand."""

    has_items = False

    def user_rows(self, user_ids: Sequence[str]) -> list[bytes | None]:
        return [None] * len(user_ids)

    def item_rows(self, indexes: Sequence[int]) -> list[tuple[bytes | None, bytes | None]]:
        return [(None, None)] * len(indexes)

    def item_stats(self, indexes: Sequence[int]) -> list[bytes | None]:
        return [None] * len(indexes)


@dataclass(slots=True)
class Changes:
    """What a batch changed: the rows to write (None: to delete), and the new names in order.

    gone: local indexes of items that gave their place up; their names become "", their rows are deleted. They may be
    among the new names.
    """

    users: dict[str, bytes | None] = field(default_factory=dict)
    stats: dict[int, bytes] = field(default_factory=dict)
    rows: dict[int, bytes] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    event_ids: list[bytes] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    queue: QueueChanges = field(default_factory=QueueChanges)
