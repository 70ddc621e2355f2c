"""Request bodies: JSON only, no longer than the limit, and in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import Request

from serving.http.problem import Problem

_CLOSE = {"Connection": "close"}  # the rest of such a body is not waited for


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may be: bytes of its body, seconds for it to arrive, bytes of its address."""

    body_bytes: int = 1_000_000
    body_seconds: float = 10.0
    target_bytes: int = 65_536


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body; raises `Problem` (408, 413, 415)."""
    _must_be_json(request)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limits.body_bytes:
        raise _too_large(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > limits.body_bytes:  # without a length (chunked) only the count tells
                    raise _too_large(limits)
    except TimeoutError:
        detail = f"the body did not arrive within {limits.body_seconds:g} s"
        raise Problem("slow-body", detail, headers=_CLOSE) from None
    return bytes(body)


def _must_be_json(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        headers = {"Accept-Encoding": "identity"}
        raise Problem("wrong-content-type", "compressed bodies are not accepted", headers=headers)
    given = request.headers.get("content-type")
    if given is None:
        return
    media = given.partition(";")[0].strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise Problem("wrong-content-type", "the body must be application/json", headers={"Accept": "application/json"})


def _too_large(limits: Limits) -> Problem:
    return Problem("too-large", f"a body has at most {limits.body_bytes} bytes", headers=_CLOSE)
