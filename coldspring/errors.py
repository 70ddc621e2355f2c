"""What can go wrong at the front door.

ColdspringError
├── CommandError      a command that could not do its work: one line for a person, exit code 1
├── SettingsError     a setting has a wrong value: exit code 2
├── DeliveryError     Kafka did not take an event
└── AnswerError       the server answered with a problem (RFC 9457), or could not be reached
    ├── NotFoundError 404: unknown item, or portrait of an unknown user
    ├── RefusedError  any other 4xx: the request was wrong; `problem["errors"]` may say where
    └── NotReadyError 503, or no connection: ask again later
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ColdspringError(Exception):
    """The root of every error that the package `coldspring` raises by itself."""


class CommandError(ColdspringError):
    """A command could not do its work; the message is one line that says why and what to do."""


class SettingsError(ColdspringError):
    """A setting has a value that it cannot have."""


class DeliveryError(ColdspringError):
    """Kafka did not take what was sent."""


class AnswerError(ColdspringError):
    """The server answered with a problem.

    Attributes
    ----------
    status: the HTTP status, 0 when there was no answer at all.
    problem: the problem document (type, title, status, detail, perhaps errors).
    """

    def __init__(self, message: str, status: int = 0, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = dict(problem or {})


class NotFoundError(AnswerError):
    """The item or user that was asked for is not known (404)."""


class RefusedError(AnswerError):
    """The request was wrong (4xx)."""


class NotReadyError(AnswerError):
    """The server cannot answer now (5xx or no connection)."""
