"""A span as OpenTelemetry knows it: what a process did from when to when. The front door says who sends it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Span:
    """Times in ms of the wall clock; `trace` is 32 hex digits.

    links: other traces that this one had part in; parts: what it consists of, by name, as (begin, end).
    """

    trace: str
    name: str
    begin_ms: int
    end_ms: int
    attributes: Mapping[str, Value] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    parts: tuple[tuple[str, int, int], ...] = ()


Sender = Callable[[Span], None]
"""Takes a span; it must not wait and must not fail."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Where spans go, and which share of events has spans of its own (by a hash of the id, so everywhere the same)."""

    send: Sender
    share: float = 0.001

    def takes(self, trace: str) -> bool:
        """Whether an event or item of this trace is in the share."""
        return int(trace[:8], 16) < self.share * 2**32
