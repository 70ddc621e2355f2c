"""Routes whose functions take the request and give the answer: nothing is between them and the server.

FastAPI describes them. Its own way to call them, by dependencies and exit stacks, costs as much as reading the request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class DirectRoute(APIRoute):
    """A route of a function of one argument, the request; what it raises goes to the `Gate`."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = _calling(endpoint)


def direct_router(**options: Any) -> APIRouter:
    """A router of such routes."""
    return APIRouter(route_class=DirectRoute, **options)


def _calling(endpoint: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await endpoint(Request(scope, receive, send))
        await answer(scope, receive, send)

    return app
