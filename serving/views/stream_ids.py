"""Reading a `changes` stream without missing anything: where a reader stands, and when it must begin anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from redis.exceptions import RedisError

Entry = tuple[bytes, Mapping[bytes, bytes]]

PAGE: Final = 1_000
KEPT: Final = 900
"""A stream is trimmed to about 1,000 entries: a reader that saw none and now finds so many may have missed some."""
START: Final = b"0-0"
TRIES: Final = 5
"""So often a load begins again because the state was made anew meanwhile."""


class Gap(Exception):
    """Entries may have been lost: load everything again."""


class ChangedMeanwhileError(RedisError):
    """The state was made anew again and again while it was loaded; the next look begins once more."""


def since(last: bytes, entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries after `last`, out of those read from `last` on (`last` included).

    Raises
    ------
    Gap
        If `last` is not there any more: it was trimmed away, or the store lost its end.

    >>> [entry[0] for entry in since(b"1-0", [(b"1-0", {}), (b"2-0", {})])]
    [b'2-0']
    """
    if last == START:
        if len(entries) >= KEPT:
            raise Gap
        return entries
    if not entries or entries[0][0] != last:
        raise Gap
    return entries[1:]
