"""Coldspring: a streaming recommender that learns from every event.

>>> from coldspring import Client, Producer, replay    # nothing connects here

`Producer` sends events to Kafka, `Client` asks a running system over HTTP, `replay` plays an event log without any
server. Each is loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coldspring.client import Client
    from coldspring.log_replay import replay
    from coldspring.producer import Producer

__all__ = ["Client", "Producer", "replay"]
__version__ = "0.1.0"

_HOMES = {"Client": "coldspring.client", "Producer": "coldspring.producer", "replay": "coldspring.log_replay"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
