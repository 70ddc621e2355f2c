"""What is known of a served list besides the parts of its scores: what the click model learns from, and ranks by.

>>> words_of(1_367_884_800_000, {"device": "phone"}, session=2)
('hour:0', 'weekday:1', 'session:1', 'device:13')
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

import msgspec

from recommender.numbering import Array

HOUR_MS: Final = 3_600_000
GAP_MS: Final = 30 * 60_000
"""A longer pause between two interactions ends a session."""
HOURS: Final = 4
"""Hours of one band of the day."""
SESSIONS: Final = (0, 1, 3, 10)
"""Lower bounds of the session lengths that are told apart."""
DEVICES: Final = 16
COUNTRIES: Final = 64
"""Hash buckets: whatever clients write into a context, so many words come of it."""


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of a list: the words of its context; of each item, in the list's order: age and events.

    parts: so many of the list's first parts say how well an item fits; what re-ranking added follows them.
    ages_ms: since the item's announcement or first event, -1 where neither is known. counts: events that counted.
    """

    parts: int
    words: list[str]
    ages_ms: list[int]
    counts: list[float]


def words_of(at_ms: int, context: Mapping[str, Any] | None, session: int) -> tuple[str, ...]:
    """The words of a context: the band of the hour and the weekday (UTC, Monday 0), session length, device, country.

    Parameters
    ----------
    at_ms: when the list was asked for, ms since 1970.
    context: of the question; only texts under `device` and `country` are looked at.
    session: the user's interactions in the running session.
    """
    hours = at_ms // HOUR_MS
    length = SESSIONS[bisect_right(SESSIONS, session) - 1]
    words = [
        f"hour:{hours % 24 // HOURS * HOURS}",
        f"weekday:{(hours // 24 + 3) % 7}",
        f"session:{length}",
    ]
    for name, buckets in (("device", DEVICES), ("country", COUNTRIES)):
        value = (context or {}).get(name)
        if isinstance(value, str) and value:
            words.append(f"{name}:{crc32(value.lower().encode()) % buckets}")
    return tuple(words)


def session_length(times: Array, now_ms: int) -> int:
    """How many of a user's interactions (event times in ms, oldest first) belong to the session that runs at `now_ms`.

    >>> import numpy as np
    >>> session_length(np.array([0, 5_000_000, 5_060_000]), 5_100_000)
    2
    """
    later = now_ms
    for length, at in enumerate(reversed(times.tolist())):
        if later - at > GAP_MS:
            return length
        later = at
    return len(times)
