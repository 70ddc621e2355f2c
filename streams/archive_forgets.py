"""What a forgotten user left in an archive, taken out line by line; the offsets stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from recommender.events import decode_forget, is_removal, split_envelope
from recommender.reasons import BadEventError
from streams.archive import ArchiveLog, Line, line_of, record_of
from streams.intake import LogRecord

ERASED_TOPICS: Final = ("interactions", "profiles")
"""`forgets` stays, so that a replay still ignores what Kafka or somebody else sends late; it names the user."""


class _Outline(msgspec.Struct):
    user_id: Any = None
    timestamp: Any = None


_OUTLINE: Final = msgspec.json.Decoder(_Outline)


def latest_forgets(log: ArchiveLog) -> dict[str, int]:
    """Event times up to which users were forgotten, by user_id."""
    manifest = log.manifest
    found: dict[str, int] = {}
    for partition in range(manifest.partitions["forgets"]):
        name = f"{manifest.prefix}forgets"
        for batch in log.read(name, partition, *log.bounds(name, partition)):
            for record in batch.records:
                try:
                    forget = decode_forget(record.value or b"")
                except BadEventError:
                    continue
                found[forget.user_id] = max(forget.timestamp, found.get(forget.user_id, 0))
    return found


def without_forgotten(line: Line, forgotten: Mapping[str, int]) -> Line:
    """A line of `interactions` or `profiles` without what forgotten users said or did up to then.

    >>> line = Line(7, 5, "u1", '{"user_id": "u1", "timestamp": 3}')
    >>> without_forgotten(line, {"u1": 3})
    Line(offset=7, timestamp=5, key=None, value=None, key_base64=None, value_base64=None, removed=True)
    >>> without_forgotten(line, {"u1": 2}) is line
    True
    """
    if line.removed:
        return line
    record = record_of(line)
    value = record.value or b""
    if is_removal(record.value):
        return line  # the removal of a profile: it must go on removing
    try:
        envelope = split_envelope(value)
    except BadEventError:
        envelope = None
    if envelope is None:
        gone = _is_gone(value, forgotten) or (record.key or b"").decode("utf-8", "replace") in _unreadable(
            value, forgotten
        )
        return Line(line.offset, line.timestamp, removed=True) if gone else line
    kept = [bytes(each) for each in envelope if not _is_gone(bytes(each), forgotten)]
    if len(kept) == len(envelope):
        return line
    if not kept:
        return Line(line.offset, line.timestamp, removed=True)
    # The key of an envelope may be any of its users'.
    return line_of(LogRecord(line.offset, None, b"[" + b",".join(kept) + b"]", line.timestamp))


def _is_gone(value: bytes, forgotten: Mapping[str, int]) -> bool:
    outline = _outline(value)
    if outline is None or not isinstance(outline.user_id, str) or outline.user_id not in forgotten:
        return False
    return not isinstance(outline.timestamp, int) or outline.timestamp <= forgotten[outline.user_id]


def _unreadable(value: bytes, forgotten: Mapping[str, int]) -> Mapping[str, int]:
    """Those whose key alone condemns a record: all who were forgotten, if the record says nothing of user and time."""
    outline = _outline(value)
    return forgotten if outline is None or not isinstance(outline.user_id, str) else {}


def _outline(value: bytes) -> _Outline | None:
    try:
        return _OUTLINE.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
