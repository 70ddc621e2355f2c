"""The page, and the page of the API: files of this package, nothing from elsewhere."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.http.direct import direct_router
from serving.http.problem import Problem

_TYPES: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def router() -> APIRouter:
    """The routes of this noun."""
    routes = direct_router(include_in_schema=False)
    files = {
        file.name: file.read_bytes()
        for file in resources.files("serving.http").joinpath("page").iterdir()
        if file.name.rpartition(".")[2] in _TYPES
    }

    def send(request: Request, name: str) -> Response:
        if name not in files:
            raise Problem("no-such-page", "the page has no such file")
        content = files[name]
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={**_HEADERS, "ETag": tag})
        media_type = f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8"
        return Response(content, headers={**_HEADERS, "ETag": tag}, media_type=media_type)

    @routes.get("/")
    async def page(request: Request) -> Response:
        return send(request, "index.html")

    @routes.get("/docs")
    async def docs(request: Request) -> Response:
        return send(request, "docs.html")

    @routes.get("/page/{name}")
    async def part(request: Request) -> Response:
        return send(request, request.path_params["name"])

    return routes
