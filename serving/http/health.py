"""How the system is: alive, ready, its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from recommender.query import Unavailable
from serving.http import openapi
from serving.http.answers import json_answer
from serving.http.direct import direct_router
from serving.http.door import Door
from serving.status import with_quantiles


def router(door: Door) -> APIRouter:
    """The routes of this noun."""
    routes = direct_router(tags=["health"])

    @routes.get("/healthz", **openapi.operation("Alive", answer="Health"))
    async def healthz(request: Request) -> Response:  # noqa: ARG001
        return json_answer({"status": "alive"})

    @routes.get("/readyz", **openapi.operation("Ready to serve", answer="Health"))
    async def readyz(request: Request) -> Response:  # noqa: ARG001
        ready, why = door.service.ready()
        if not ready:
            raise Unavailable(why)
        return json_answer({"status": "ready"})

    @routes.get("/v1/status", **openapi.operation("Figures of the running system", answer="Status"))
    async def status(request: Request) -> Response:  # noqa: ARG001
        return json_answer(with_quantiles(await door.service.status()))

    @routes.get("/metrics", **openapi.operation("Figures for Prometheus", answer=None, media_type="text/plain"))
    async def metrics(request: Request) -> Response:  # noqa: ARG001
        figures: Mapping[str, Any]
        try:
            figures = await door.service.status()
        except Unavailable:
            figures = {}  # what this process counts itself is told all the same
        return Response(door.metrics.expose(figures), media_type=CONTENT_TYPE_LATEST)

    return routes
