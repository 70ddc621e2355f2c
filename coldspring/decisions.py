"""Decisions of a running system: the record of a served list, found by its request_id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from coldspring.errors import CommandError
from recommender.decision import Decision, decode_decision

if TYPE_CHECKING:
    from coldspring.settings import Settings
    from streams.intake import Record
    from streams.log_source import LogSource

WINDOW: Final = 20_000
"""Records looked through at a time, the newest first: a list that is asked about was mostly served lately."""


def find_decision(settings: Settings, request_id: str) -> Decision:
    """The decision of a request.

    Raises
    ------
    CommandError: when there is none (not every list need be recorded, and the topic keeps a week), or Kafka is away.
    """
    from coldspring.wiring import topics
    from streams.log_source import KafkaLog, LogAwayError, LogGapError

    names = topics(settings)
    log = KafkaLog(settings.bootstrap)
    try:
        for partition in range(names.count("decisions")):
            for record in newest_first(log, names.decisions, partition):
                value = record.value or b""
                if request_id.encode() not in value and b"\\" not in value:
                    continue
                found = _read(value)
                if found is not None and found.request_id == request_id:
                    return found
    except (LogAwayError, LogGapError) as error:
        raise CommandError(str(error)) from None
    raise CommandError(f"there is no decision of {request_id}: its list was not recorded, or too long ago")


def told(decision: Decision) -> dict[str, Any]:
    """For JSON: the decision, each item with its parts that are not 0 (`reasons`), the largest first."""
    body: dict[str, Any] = msgspec.to_builtins(decision)
    for item, values in zip(body["items"], decision.parts.values, strict=True):
        parts = [(name, value) for name, value in zip(decision.parts.names, values, strict=True) if value]
        item["reasons"] = [
            {"part": name, "score": value} for name, value in sorted(parts, key=lambda part: -abs(part[1]))
        ]
    return body


def newest_first(log: LogSource, topic: str, partition: int) -> Iterator[Record]:
    """The records of a partition, the last one first."""
    first, end = log.bounds(topic, partition)
    while end > first:
        begin = max(first, end - WINDOW)
        records = [record for batch in log.read(topic, partition, begin, end) for record in batch.records]
        yield from reversed(records)
        end = begin


def _read(value: bytes) -> Decision | None:
    try:
        return decode_decision(value)
    except msgspec.DecodeError:
        return None
