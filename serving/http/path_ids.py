"""Ids in paths: percent-encoded, one segment each, ``%2F`` too.

The `Gate` routes on the encoded path, so a segment arrives here as it was sent.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from serving.http.problem import wrong_value
from serving.question import checked_id

_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")


def path_id(request: Request, name: str) -> str:
    """The id in a path; raises `Problem` (422) where it can be none."""
    segment: str = request.path_params[name]
    if _BROKEN.search(segment):
        raise wrong_value(name, "a percent sign needs two hexadecimal digits after it")
    try:
        value = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise wrong_value(name, "the id is not UTF-8") from None
    return checked_id(name, value)
