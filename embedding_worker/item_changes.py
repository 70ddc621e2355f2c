"""From records of `items` to what must be encoded and what goes. Pure.

What is no item is left out here and counted; the items agent in `streams` reads the same records and
writes their dead letters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from embedding_worker.text import compose
from recommender.events import check_id, decode_item, is_removal
from recommender.partitioning import partition_of
from recommender.reasons import BadEventError


class Record(Protocol):
    """A record as a consumer gives it."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""

    @property
    def key(self) -> bytes | None:
        """The item's id."""

    @property
    def value(self) -> bytes | None:
        """The item, or nothing when it goes."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one item comes to: its text, or None when it goes; offset is that of its last record."""

    item_id: str
    text: str | None
    offset: int


def changes(
    records: Iterable[Record], partition: int, partitions: int, max_chars: int
) -> tuple[dict[str, Change], int]:
    """The last change of each item among a partition's records, and how many records were bad."""
    found: dict[str, Change] = {}
    bad = 0
    for record in records:
        try:
            change = _change(record, max_chars)
            if partition_of(change.item_id, partitions) != partition:
                raise BadEventError("wrong_partition", "the item belongs to another partition")
        except BadEventError:
            bad += 1
        else:
            # Re-inserted, so that the order is that of the last records.
            found.pop(change.item_id, None)
            found[change.item_id] = change
    return found, bad


def _change(record: Record, max_chars: int) -> Change:
    if record.value is None or is_removal(record.value):
        if not record.key:
            raise BadEventError("empty", "neither key nor value")
        try:
            return Change(check_id("key", record.key.decode()), None, record.offset)
        except UnicodeDecodeError:
            raise BadEventError("bad_id", "the key is not UTF-8") from None
    item = decode_item(record.value)
    if record.key and record.key != item.item_id.encode():
        raise BadEventError("key_mismatch", "the key is not the body's id")
    return Change(item.item_id, compose(item, max_chars), record.offset)
