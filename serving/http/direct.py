"""Routes whose functions take the request and give the answer: nothing is between them and the server.

FastAPI describes them. Its own way to call them, by dependencies and exit stacks, costs as much as reading the request.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope, Send


class DirectRoute(APIRoute):
    """A route of a function of one argument, the request; what it raises goes to the `Gate`."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for this path; 405 for another method."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405)
        answer = await self.endpoint(Request(scope, receive, send))
        await answer(scope, receive, send)


def direct_router(**options: Any) -> APIRouter:
    """A router of such routes."""
    return APIRouter(route_class=DirectRoute, **options)
