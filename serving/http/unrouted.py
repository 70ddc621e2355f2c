"""Requests that no route takes: unknown paths, and known ones with another method."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from serving.http.answers import problem_answer
from serving.http.problem import Problem


def answer_unrouted(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Have 404 and 405 answered as problems; a 405 tells every method that the path has."""

    async def unrouted(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            allowed = ", ".join(sorted(_methods(request, routes)))
            detail = f"this path answers {allowed}"
            return problem_answer(Problem("wrong-method", detail, headers={"Allow": allowed}))
        return problem_answer(Problem("no-such-page", "there is no route with this path"))

    app.add_exception_handler(404, unrouted)
    app.add_exception_handler(405, unrouted)


def _methods(request: Request, routes: Sequence[BaseRoute]) -> set[str]:
    methods: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return methods | {"HEAD"} if "GET" in methods else methods
