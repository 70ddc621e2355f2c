"""From the bytes of a question to a checked `Query`: the same for the HTTP and the Kafka door.

>>> decode_query(b'{"text": "space", "n": 3}', lambda: "r1").n
3
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from recommender.events import check_id
from recommender.query import STRATEGIES, Query
from recommender.reasons import BadEventError
from serving.http.problem import Problem, wrong_value

S = TypeVar("S", bound=msgspec.Struct)

_PLACE = re.compile(r"^(?P<what>.*) - at `\$\.?(?P<field>[^`]*)`$", re.DOTALL)


def decode_query(body: bytes, fresh_id: Callable[[], str]) -> Query:
    """A query from its JSON bytes; raises `Problem` (400 or 422)."""
    return check_query(decode_body(body, Query), fresh_id)


def check_query(query: Query, fresh_id: Callable[[], str]) -> Query:
    """A query whose ids and strategy were looked at; one without a request_id is given one."""
    if query.strategy not in STRATEGIES:
        raise wrong_value("strategy", f"one of {', '.join(STRATEGIES)} is expected")
    named = [("user_id", query.user_id), ("request_id", query.request_id)]
    for name, value in named:
        if value is not None:
            checked_id(name, value)
    for name in ("history", "session", "exclude", "shown", "same_as"):
        for value in getattr(query, name):
            checked_id(name, value)
    return query if query.request_id is not None else msgspec.structs.replace(query, request_id=fresh_id())


def checked_id(name: str, value: str) -> str:
    """`value`, if it can be an id; raises `Problem` (422)."""
    try:
        return check_id(name, value)
    except BadEventError as error:
        raise wrong_value(name, error.detail) from None


def decode_body(body: bytes, kind: type[S]) -> S:
    """A struct from JSON; raises `Problem`: 400 for what is no JSON, 422 for what does not fit."""
    try:
        body.decode()  # msgspec does not look into the strings that it skips
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        _must_be_json(body)
        raise misfit(error) from None
    except (ValueError, RecursionError) as error:
        raise unreadable(error) from None


def misfit(error: msgspec.ValidationError) -> Problem:
    """The 422 behind msgspec's message."""
    found = _PLACE.match(str(error))
    return wrong_value(found["field"] or "body", found["what"]) if found else wrong_value("body", str(error))


def unreadable(error: Exception) -> Problem:
    """The 400 for bytes that are not one JSON document."""
    if isinstance(error, RecursionError):
        return Problem("unreadable", "the JSON is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return Problem("unreadable", "the body is not UTF-8")
    return Problem("unreadable", str(error)[:200] or "the body is not JSON")


def _must_be_json(body: bytes) -> None:
    """Validation stops at the first misfit; what follows may not be JSON at all, which is the graver fault."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (ValueError, RecursionError) as error:
        raise unreadable(error) from None
