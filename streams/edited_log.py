"""A log without one event: what would be, had it not happened.

An event is named by its event_id, of which every repeat goes too, or by its place, `@partition:offset` or
`@partition:offset:index` inside an envelope, which is what identifies an event without an event_id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from recommender.events import split_envelope
from recommender.reasons import BadEventError
from streams.batch import Batch
from streams.intake import LogRecord, Record
from streams.log_source import LogSource

_PLACE: Final = re.compile(r"@(\d+):(\d+)(?::(\d+))?")


class _Named(msgspec.Struct):
    event_id: Any = None
    user_id: Any = None
    item_id: Any = None
    type: Any = None
    timestamp: Any = None


_NAMED: Final = msgspec.json.Decoder(_Named)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The event that is looked for: by its id, or by its place."""

    event_id: str | None
    partition: int = -1
    offset: int = -1
    index: int | None = None

    @classmethod
    def named(cls, text: str) -> Wanted:
        """An event by what a person calls it.

        >>> Wanted.named("@2:812")
        Wanted(event_id=None, partition=2, offset=812, index=None)
        """
        place = _PLACE.fullmatch(text)
        if place is None:
            return cls(text)
        return cls(None, int(place[1]), int(place[2]), None if place[3] is None else int(place[3]))

    def may_be_in(self, value: bytes) -> bool:
        """A quick look: False only where the event can't be."""
        if self.event_id is None:
            return True
        # An id may be written with escapes; a value without any holds it as it is.
        return b"\\" in value or self.event_id.encode() in value

    def is_at(self, partition: int, offset: int, index: int, value: bytes) -> bool:
        """Is this element of this record the one?"""
        if self.event_id is None:
            return (self.partition, self.offset) == (partition, offset) and self.index in (None, index)
        try:
            return bool(_NAMED.decode(value).event_id == self.event_id)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Where an event was found, and what it says."""

    partition: int
    offset: int
    index: int
    value: bytes

    def told(self) -> dict[str, Any]:
        """For an answer: place, user, item, type, time."""
        named = _NAMED.decode(self.value)
        return {
            "partition": self.partition, "offset": self.offset, "index": self.index, "event_id": named.event_id,
            "user_id": named.user_id, "item_id": named.item_id, "type": named.type, "timestamp": named.timestamp,
        }  # fmt: skip


def find(log: LogSource, topic: str, partition: int, end: int, wanted: Wanted) -> list[Occurrence]:
    """Every occurrence in a partition before `end`, in order."""
    if wanted.event_id is None and wanted.partition != partition:
        return []
    begin, stop = (0, end) if wanted.event_id is not None else (wanted.offset, min(wanted.offset + 1, end))
    found: list[Occurrence] = []
    for batch in log.read(topic, partition, begin, stop) if begin < stop else ():
        for record in batch.records:
            if wanted.may_be_in(record.value or b""):
                found.extend(
                    Occurrence(partition, record.offset, index, value)
                    for index, value in _elements(record)
                    if wanted.is_at(partition, record.offset, index, value)
                )
    return found


class EditedLog:
    """A `LogSource` without these occurrences."""

    def __init__(self, log: LogSource, topic: str, removed: list[Occurrence]) -> None:
        self._log = log
        self._topic = topic
        self._removed: dict[tuple[int, int], set[int]] = {}
        for each in removed:
            self._removed.setdefault((each.partition, each.offset), set()).add(each.index)

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """As of the log that was edited."""
        return self._log.bounds(topic, partition)

    def read(self, topic: str, partition: int, begin: int, end: int) -> Iterator[Batch]:
        """See `LogSource.read`; offsets stay as they are."""
        for batch in self._log.read(topic, partition, begin, end):
            if topic != self._topic or not any(at in self._removed for at in _places(batch)):
                yield batch
                continue
            records = [kept for record in batch.records if (kept := self._edited(partition, record)) is not None]
            yield Batch(batch.topic, partition, batch.begin, batch.next, records)

    def close(self) -> None:
        """Close the log that was edited."""
        self._log.close()

    def _edited(self, partition: int, record: Record) -> Record | None:
        removed = self._removed.get((partition, record.offset))
        if removed is None:
            return record
        kept = [value for index, value in _elements(record) if index not in removed]
        if not kept:
            return None
        return LogRecord(record.offset, record.key, b"[" + b",".join(kept) + b"]", record.timestamp)


def _places(batch: Batch) -> Iterator[tuple[int, int]]:
    return ((batch.partition, record.offset) for record in batch.records)


def _elements(record: Record) -> list[tuple[int, bytes]]:
    value = record.value or b""
    try:
        envelope = split_envelope(value)
    except BadEventError:
        return []
    return [(0, value)] if envelope is None else [(index, bytes(each)) for index, each in enumerate(envelope)]
