"""The gate that every request passes: encoded paths, HEAD, time, safe headers, and no exception gets out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.answers import problem_answer
from serving.http.bodies import Limits
from serving.http.problem import Problem, problem_of
from serving.metrics import Metrics

log = logging.getLogger(__name__)

_SAFE: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_READING: Final = {"GET", "HEAD", "OPTIONS"}


class Gate:
    """ASGI middleware around the routes; see the module's text."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, limits: Limits, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.app = app
        self.metrics = metrics
        self.limits = limits
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is not HTTP passes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = self.clock()
        inner = _encoded(scope)
        answer = _Answer(send, head=scope["method"] == "HEAD")
        try:
            self._look_at(scope)
            await self.app(inner, receive, answer)
        except ClientDisconnect:
            log.debug("the client left before its request was read")
        except Exception as error:
            route = _route(inner)
            if answer.status:
                log.exception("%s failed while answering", route)
                raise
            problem = problem_of(error)
            if problem.kind == "internal":
                log.exception("%s failed", route)
            await problem_answer(problem)(inner, receive, answer)
        finally:
            self.metrics.request(_route(inner), scope["method"], answer.status, self.clock() - began)

    def _look_at(self, scope: Scope) -> None:
        length = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if length > self.limits.target_bytes:
            raise Problem("too-large", f"an address has at most {self.limits.target_bytes} bytes")
        if scope["method"] not in _READING:
            _must_be_at_home(scope)


class _Answer:
    """Sends on what the routes answer: with safe headers, and without a body for HEAD."""

    def __init__(self, send: Send, *, head: bool) -> None:
        self._send = send
        self._head = head
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), *_SAFE]
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))  # lists and portraits are somebody's own
            message = {**message, "headers": headers}
        elif self._head:
            message = {**message, "body": b""}
        await self._send(message)


def _encoded(scope: Scope) -> Scope:
    """The scope with the path as it was sent, so that ``%2F`` stays within its segment, and GET for HEAD."""
    raw = scope.get("raw_path")
    path = raw.decode("ascii", "replace") if raw else quote(scope["path"])
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return {**scope, "path": path, "method": method}


def _must_be_at_home(scope: Scope) -> None:
    """No page of another site may write: browsers say where a request comes from."""
    headers = dict(scope["headers"])
    if headers.get(b"sec-fetch-site", b"none") in (b"cross-site", b"same-site"):
        raise Problem("cross-site", "a page of another site may not write here")
    origin = headers.get(b"origin")
    if origin and b"sec-fetch-site" not in headers:
        host = headers.get(b"host", b"").decode("latin-1")
        if urlsplit(origin.decode("latin-1")).netloc != host:
            raise Problem("cross-site", "a page of another site may not write here")


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unmatched")
