"""Why an event was set aside: the closed list of dead-letter reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REASONS: Final[dict[str, str]] = {
    "empty": "the record has no value where one is needed",
    "not_json": "the value is not one JSON document in UTF-8",
    "too_deep": "the JSON is nested too deeply",
    "too_large": "the value, a list in it or an envelope is larger than the limit",
    "not_object": "a JSON object was expected",
    "missing_field": "a required field is absent or null",
    "wrong_type": "a field holds another type than the one accepted",
    "bad_id": "an id is empty, longer than 256 bytes, or has control characters",
    "bad_timestamp": "the timestamp is not an integer of ms from 1 to 253402300799999",
    "bad_value": "a rating without a value, a value outside its scale, or a scale that is none",
    "unknown_type": "the interaction's type is not one of the configured types",
    "wrong_partition": "the user's or item's events belong to another partition",
    "key_mismatch": "the record's key names another id than its body",
    "bad_kind": "a log line's kind is none of interaction, item, profile, forget",
}


class BadEventError(ValueError):
    """An event that does not fit; `reason` is one of `REASONS`."""

    def __init__(self, reason: str, detail: str) -> None:
        if reason not in REASONS:
            raise KeyError(reason)
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:200]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The original bytes of what was set aside, and where they came from.

    `index` is the place inside an envelope, 0 for a record of its own. Topic,
    partition, offset and index together identify a dead letter.
    """

    topic: str
    partition: int
    offset: int
    index: int
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
