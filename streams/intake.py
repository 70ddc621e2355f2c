"""From records to checked events and dead letters: the first step of every fold. Pure.

A record's place (topic, partition, offset, index inside an envelope) names its dead letter and is
the identity of an event that has no event_id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import msgspec

from recommender.event_types import EventTypes
from recommender.events import (
    Forget,
    Interaction,
    Item,
    Profile,
    check_id,
    decode_envelope,
    decode_forget,
    decode_interaction,
    decode_item,
    decode_profile,
    is_removal,
    split_envelope,
)
from recommender.partitioning import partition_of
from recommender.reasons import BadEventError, DeadLetter


class Record(Protocol):
    """A record as a consumer gives it; `timestamp` in ms."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


class Unreadable(bytes):
    """Stands for the value of a record that was not unpacked (`bounded_fetch`): the words why."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record of our own making: a line of a log file, or a test's."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from: a partition of a topic, and how many partitions that topic has."""

    topic: str
    partition: int
    partitions: int


E = TypeVar("E")


@dataclass(slots=True)
class Checked(Generic[E]):
    """Events in order, and what was set aside."""

    events: list[E] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Removal:
    """An empty value: the item or profile of this id goes."""

    identity: str


def interactions(source: Source, records: Sequence[Record], types: EventTypes) -> Checked[Interaction]:
    """Single interactions and envelopes, each event checked on its own."""
    checked: Checked[Interaction] = Checked()
    codes, partition, partitions = types.codes, source.partition, source.partitions
    for record in records:
        whole = decode_envelope(record.value or b"")
        if whole and all(e.type in codes and partition_of(e.user_id, partitions) == partition for e in whole):
            checked.events += whole
            continue
        for index, value in _elements(source, record, checked):
            try:
                event = decode_interaction(value)
                _check_type(event, types)
                _check_partition(source, event.user_id)
                checked.events.append(event)
            except BadEventError as error:
                checked.dead.append(_dead(source, record, index, value if record.value else record.value, error))
    return checked


def items(source: Source, records: Sequence[Record]) -> Checked[Item | Removal]:
    """Items, and removals where the value is empty."""
    return _keyed(source, records, decode_item, lambda item: item.item_id)


def profiles(source: Source, records: Sequence[Record]) -> Checked[Profile | Removal]:
    """Profiles, and removals where the value is empty."""
    return _keyed(source, records, decode_profile, lambda profile: profile.user_id)


def forgets(source: Source, records: Sequence[Record]) -> Checked[Forget]:
    """Commands to forget a user."""
    checked: Checked[Forget] = Checked()
    for record in records:
        try:
            forget = decode_forget(_value(record) or b"")
            _check_partition(source, forget.user_id)
            checked.events.append(forget)
        except BadEventError as error:
            checked.dead.append(_dead(source, record, 0, record.value, error))
    return checked


def _keyed(
    source: Source, records: Sequence[Record], decode: Callable[[bytes], E], identity: Callable[[E], str]
) -> Checked[E | Removal]:
    checked: Checked[E | Removal] = Checked()
    for record in records:
        try:
            event: E | Removal
            value = _value(record)
            if value is None or is_removal(value):
                event = Removal(_key_id(record))
                _check_partition(source, event.identity)
            else:
                event = decode(value)
                _check_partition(source, identity(event))
                if record.key and record.key != identity(event).encode():
                    raise BadEventError("key_mismatch", f"the key is not the body's id ({len(record.key)} bytes)")
            checked.events.append(event)
        except BadEventError as error:
            checked.dead.append(_dead(source, record, 0, record.value, error))
    return checked


def _elements(source: Source, record: Record, checked: Checked[Interaction]) -> list[tuple[int, bytes]]:
    try:
        value = _value(record) or b""
        envelope = split_envelope(value)
    except BadEventError as error:
        checked.dead.append(_dead(source, record, 0, record.value, error))
        return []
    return [(0, value)] if envelope is None else list(enumerate(envelope))


def _value(record: Record) -> bytes | None:
    if isinstance(record.value, Unreadable):
        raise BadEventError("too_large", record.value.decode())
    return record.value


def _check_type(event: Interaction, types: EventTypes) -> None:
    if event.type not in types:
        raise BadEventError("unknown_type", f"type is none of {', '.join(types.names)}")


def _check_partition(source: Source, identity: str) -> None:
    belongs = partition_of(identity, source.partitions)
    if belongs != source.partition:
        raise BadEventError("wrong_partition", f"belongs to partition {belongs}, was in {source.partition}")


def _key_id(record: Record) -> str:
    if not record.key:
        raise BadEventError("empty", "neither key nor value")
    try:
        return check_id("key", record.key.decode())
    except UnicodeDecodeError:
        raise BadEventError("bad_id", "the key is not UTF-8") from None


def _dead(
    source: Source, record: Record, index: int, value: bytes | msgspec.Raw | None, error: BadEventError
) -> DeadLetter:
    original = None if value is None else bytes(value)
    return DeadLetter(
        source.topic, source.partition, record.offset, index, error.reason, error.detail, record.key, original
    )
