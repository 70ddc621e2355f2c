"""The dead letters of a running system: read from their topic, each once, and sent again where they fit now."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from recommender import events
from recommender.event_types import EventTypes
from recommender.reasons import BadEventError

if TYPE_CHECKING:
    from coldspring.settings import Settings

POLL_MS: Final = 1_000
MAX_POLLS: Final = 30
"""How often in a row a topic may have nothing before its end: after that the broker is taken to be away."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter: the original bytes, the place they came from, and why they were set aside."""

    topic: str
    partition: int
    offset: int
    index: int
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None

    @property
    def place(self) -> tuple[str, int, int, int]:
        """What identifies it."""
        return self.topic, self.partition, self.offset, self.index

    def text(self) -> str:
        """The value as text; bytes that are none are replaced."""
        return (self.value or b"").decode("utf-8", "replace")

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `value` is null or text, `value_base64` there where the bytes are no UTF-8."""
        told: dict[str, Any] = {
            "topic": self.topic, "partition": self.partition, "offset": self.offset, "index": self.index,
            "reason": self.reason, "detail": self.detail,
            "key": None if self.key is None else self.key.decode("utf-8", "replace"),
            "value": None if self.value is None else self.text(),
        }  # fmt: skip
        if self.value is not None and self.text().encode() != self.value:
            told["value_base64"] = base64.b64encode(self.value).decode()
        return told


_IDENTITY: Final[dict[str, Callable[[bytes], str]]] = {
    "items": lambda value: events.decode_item(value).item_id,
    "profiles": lambda value: events.decode_profile(value).user_id,
    "forgets": lambda value: events.decode_forget(value).user_id,
}


def read(settings: Settings) -> list[Letter]:
    """All dead letters up to now, each once (they are written at least once), in the order of their writing."""
    found: dict[tuple[str, int, int, int], Letter] = {}
    for record in _records(settings):
        letter = letter_of(record.key, record.value, record.headers)
        found.setdefault(letter.place, letter)
    return list(found.values())


def letter_of(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> Letter:
    """A letter from its record."""
    told = {name: data.decode("utf-8", "replace") for name, data in headers}

    def number(name: str) -> int:
        return int(told[name]) if told.get(name, "").isdigit() else -1

    place = told.get("topic", ""), number("partition"), number("offset"), number("index")
    return Letter(*place, told.get("reason", ""), told.get("detail", ""), key, value)


def chosen(letters: Iterable[Letter], reason: str | None = None, limit: int | None = None) -> list[Letter]:
    """The first `limit` letters with this reason."""
    return list(islice((letter for letter in letters if reason in (None, letter.reason)), limit))


def retry(settings: Settings, reason: str | None = None, limit: int | None = None) -> tuple[int, int]:
    """Send the letters (with this reason, at most `limit`) that fit now; how many were sent, and how many were left.

    Raises
    ------
    DeliveryError: when Kafka did not take everything.
    """
    from coldspring.wiring import event_types, producer

    types = event_types(settings)
    sent = left = 0
    with producer(settings) as out:
        for letter in chosen(read(settings), reason, limit):
            again = fitting(letter, settings.prefix, types)
            if again is None:
                left += 1
                continue
            out.send(*again)
            sent += 1
    return sent, left


def fitting(letter: Letter, prefix: str, types: EventTypes) -> tuple[str, str, bytes | None] | None:
    """(topic, key, value) to send a letter again, or None if it doesn't fit any more than before."""
    topic = letter.topic.removeprefix(prefix)
    value = letter.value or b""
    try:
        if topic == "interactions":
            return _interaction(letter, types)
        if topic in ("items", "profiles") and not value and letter.key:
            return topic, events.check_id("key", letter.key.decode()), None
        identity = _IDENTITY[topic](value)
    except (BadEventError, UnicodeDecodeError, KeyError):  # still wrong, or the line of a log that has no topic
        return None
    return topic, identity, value


def _interaction(letter: Letter, types: EventTypes) -> tuple[str, str, bytes] | None:
    event = events.decode_interaction(letter.value or b"")
    if event.type not in types:
        return None
    if event.event_id is None:
        place = ":".join(map(str, letter.place))
        event = msgspec.structs.replace(event, event_id=f"dead-letter:{place}"[-events.MAX_ID_BYTES :])
        return "interactions", event.user_id, events.encode(event)
    return "interactions", event.user_id, letter.value or b""


def _records(settings: Settings) -> Iterator[Any]:
    from kafka import TopicPartition

    from coldspring import wiring

    reader = wiring.consumer(settings)
    try:
        ends = wiring.end_offsets(settings, ["dead-letters"])["dead-letters"]
        parts = [TopicPartition(f"{settings.prefix}dead-letters", p) for p in range(len(ends))]
        reader.assign(parts)
        reader.seek_to_beginning(*parts)
        quiet = 0
        while quiet < MAX_POLLS and any(reader.position(part) < ends[part.partition] for part in parts):
            batches = reader.poll(timeout_ms=POLL_MS)
            quiet = 0 if batches else quiet + 1
            for batch in batches.values():
                yield from (record for record in batch if record.offset < ends[record.partition])
    finally:
        reader.close()
