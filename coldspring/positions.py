"""A position as a person or a program gives it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from coldspring.errors import CommandError


def parse_position(text: str, partitions: int, position_of_request: Callable[[str], Sequence[int]]) -> list[int]:
    """The next offset of each partition of interactions, out of what a list carries, numbers, or a request_id.

    >>> parse_position('{"interactions": [812, 790]}', 2, lambda _: [])
    [812, 790]
    >>> parse_position("812,790", 2, lambda _: [])
    [812, 790]

    Raises
    ------
    CommandError: when it is none of these, or of another number of partitions.
    """
    found: Any
    if text.lstrip().startswith(("{", "[")):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise CommandError(f"the position is no JSON: {error}") from None
        if isinstance(found, dict):
            found = found.get("position", found)
            found = found.get("interactions") if isinstance(found, dict) else None
    elif re.fullmatch(r"\d+([ ,]+\d+)*", text.strip()):
        found = [int(number) for number in re.findall(r"\d+", text)]
    else:
        found = list(position_of_request(text))
    if not isinstance(found, list) or any(type(offset) is not int or offset < 0 for offset in found):
        raise CommandError('a position is {"interactions": [812, 790, …]}, the numbers alone, or a request_id')
    if len(found) != partitions:
        raise CommandError(f"the position has {len(found)} partitions, the system has {partitions}")
    return found
