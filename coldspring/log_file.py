"""Event logs on disk: JSON Lines, plain or gzip, one event a line (contract section 2).

>>> import io
>>> lines = read_lines(io.BytesIO(b'{"kind": "forget", "user_id": "u1", "timestamp": 5}\\n\\nnonsense'), "log")
>>> [(line.number, line.kind, line.key, line.error and line.error.reason) for line in lines]
[(1, 'forget', 'u1', None), (3, None, None, 'not_json')]
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, cast

import msgspec

from coldspring.errors import CommandError
from recommender.events import MAX_EVENT_BYTES, check_id
from recommender.json_bytes import check_text
from recommender.reasons import BadEventError

Kind = Literal["interaction", "item", "profile", "forget"]
KINDS: Final[tuple[Kind, ...]] = ("interaction", "item", "profile", "forget")

STDIN: Final = "-"
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that is not blank.

    Attributes
    ----------
    source: the log's name as it was given.
    number: of the line in its log, from 1; blank lines count.
    kind: which topic it belongs to; None where the line doesn't say.
    key: the user's or item's id; None where it can't be read.
    value: the event's bytes as they stand in the log; None for the removal of an item.
    error: why the line can't be assigned to a topic. A line with a kind and a key may still be wrong inside: whoever
        applies it will see.
    """

    source: str
    number: int
    kind: Kind | None
    key: str | None
    value: bytes | None
    error: BadEventError | None = None


class _Outline(msgspec.Struct):
    """What has to be known of a line before it is anybody's event."""

    kind: Any = None
    user_id: Any = None
    item_id: Any = None
    removed: Any = False


_OUTLINE = msgspec.json.Decoder(_Outline)


def read_logs(logs: Iterable[str], until: int | None = None) -> Iterator[LogLine]:
    """The lines of logs in the order given, at most the first `until` (blank lines count).

    Raises
    ------
    CommandError: when a log can't be opened, or is no whole gzip file.
    """
    left = sys.maxsize if until is None else until
    for log in logs:
        if left <= 0:
            return
        seen = 0
        with ExitStack() as stack:
            try:
                stream = _open(log, stack)
            except OSError as error:
                raise CommandError(f"{log}: {error.strerror or error}") from None
            try:
                for seen, line in _numbered(stream, left):
                    if line:
                        yield _line(log, seen, line)
            except (EOFError, zlib.error, OSError) as error:
                raise CommandError(f"{log}: can't be read to its end ({error})") from None
        left -= seen


def read_lines(stream: IO[bytes], source: str) -> Iterator[LogLine]:
    """The lines of one open log."""
    for number, line in _numbered(stream, sys.maxsize):
        if line:
            yield _line(source, number, line)


def size_of(logs: Iterable[str]) -> int | None:
    """Bytes in all, for a progress bar; None where it can't be known before (stdin, gzip)."""
    total = 0
    for log in logs:
        if log == STDIN or log.endswith(".gz") or not Path(log).is_file():
            return None
        total += Path(log).stat().st_size
    return total


def _open(log: str, stack: ExitStack) -> IO[bytes]:
    # Buffers can be peeked into: what a log is, its first bytes say, not its name.
    raw = sys.stdin.buffer if log == STDIN else stack.enter_context(Path(log).open("rb"))  # noqa: SIM115 - the stack closes it
    if isinstance(raw, io.BufferedReader) and raw.peek(2)[:2] == _GZIP:
        return cast("IO[bytes]", stack.enter_context(gzip.open(raw, "rb")))
    return raw


def _numbered(stream: IO[bytes], limit: int) -> Iterator[tuple[int, bytes]]:
    """(number, the line without its end, BOM and blanks); empty for a blank line."""
    number = 0
    while number < limit:
        # Bounded: a file without line ends must not fill the memory.
        line = stream.readline(MAX_EVENT_BYTES + 2)
        if not line:
            return
        number += 1
        if len(line) > MAX_EVENT_BYTES and not line.endswith(b"\n"):
            while (rest := stream.readline(MAX_EVENT_BYTES)) and not rest.endswith(b"\n"):
                pass
        if number == 1:
            line = line.removeprefix(_BOM)
        yield number, line.strip(b" \t\r\n")


def _line(source: str, number: int, line: bytes) -> LogLine:
    try:
        kind, key, removed = _outline(line)
    except BadEventError as error:
        return LogLine(source, number, None, None, line[:MAX_EVENT_BYTES], error)
    return LogLine(source, number, kind, key, None if removed else line)


def _outline(line: bytes) -> tuple[Kind, str | None, bool]:
    if len(line) > MAX_EVENT_BYTES:
        raise BadEventError("too_large", f"a line holds at most {MAX_EVENT_BYTES} bytes")
    check_text(line)
    try:
        outline = _OUTLINE.decode(line)
    except msgspec.ValidationError as error:
        raise BadEventError("not_object", str(error)) from None
    except msgspec.DecodeError as error:
        raise BadEventError("not_json", str(error)) from None
    if outline.kind not in KINDS:
        raise BadEventError("bad_kind", f"kind is none of {', '.join(KINDS)}")
    identity = outline.item_id if outline.kind == "item" else outline.user_id
    key = identity if isinstance(identity, str) else None
    removed = outline.kind == "item" and outline.removed is True
    if removed:
        if key is None:
            raise BadEventError("missing_field", "a removal needs an item_id")
        check_id("item_id", key)
    return outline.kind, key, removed
