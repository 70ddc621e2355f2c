"""What the query server and its clients say to each other.

A frame is its length (4 bytes, big-endian) and that many bytes of MessagePack. Many questions may be under way on
one connection; an answer carries the number of its question. A connection that begins with `GET ` is
answered as HTTP, for health checks and Prometheus.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Final, TypeVar

import msgspec

MAX_FRAME: Final = 4_000_000
MAX_TEXTS: Final = 64
MAX_CHARS: Final = 20_000
LENGTH: Final = struct.Struct(">I")


class Question(msgspec.Struct, frozen=True, array_like=True):
    """number: of the question on its connection; texts: to encode, or None to ask for the status."""

    number: int
    texts: list[str] | None = None


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """vectors: little-endian float32 [n, dim]; error: why there are none; status: where that was asked for."""

    number: int
    error: str = ""
    space: str = ""
    dim: int = 0
    vectors: bytes = b""
    status: dict[str, int | float | str | bool] | None = None


class FrameError(ValueError):
    """Bytes that are no frame of this protocol."""


F = TypeVar("F", Question, Answer)


def pack(message: Question | Answer) -> bytes:
    """A message as a frame."""
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body


async def read_frame(reader: asyncio.StreamReader, head: bytes, kind: type[F], limit: int = MAX_FRAME) -> F:
    """The message whose length is `head`; raises `FrameError`, or `asyncio.IncompleteReadError` at the end."""
    (length,) = LENGTH.unpack(head)
    if length > limit:
        raise FrameError(f"a frame of {length} bytes, at most {limit} are accepted")
    try:
        return msgspec.msgpack.decode(await reader.readexactly(length), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FrameError(str(error)) from None
