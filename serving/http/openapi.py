"""The description of the API: each route says what it takes and gives, in the schemas of `schemas`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from recommender.query import STRATEGIES
from serving.http.answers import json_answer
from serving.http.direct import direct_router
from serving.http.problem import KINDS, MEDIA_TYPE
from serving.http.schemas import ID, components

TITLE: Final = "Coldspring"
VERSION: Final = "1"

_DESCRIPTION: Final = (
    "A streaming recommender that learns from every event. Every error is `application/problem+json` (RFC 9457). "
    "Unknown fields and parameters are ignored; a wrong value is refused, never guessed."
)
_ALWAYS: Final = ("internal", "unavailable")
_READING_A_BODY: Final = ("unreadable", "cross-site", "slow-body", "too-large", "wrong-content-type", "wrong-value")

_SAID: Final[dict[str, dict[str, Any]]] = {"strategy": {"enum": list(STRATEGIES)}, "exclude": {"items": ID}}
"""What the structs leave to the checks after them."""


def operation(
    summary: str,
    *,
    answer: str | None,
    path: str | None = None,
    query: type[msgspec.Struct] | None = None,
    body: str | None = None,
    status: int = 200,
    unknown: bool = False,
    media_type: str = "application/json",
) -> dict[str, Any]:
    """Keyword arguments for a route: how it appears in the description.

    `answer` and `body` name components; `path` is the path's parameter, `query` the struct of its
    query parameters, and `unknown` says that 404 is an answer.
    """
    parameters = [] if path is None else [{"name": path, "in": "path", "required": True, "schema": ID}]
    if query is not None:
        parameters += _parameters(query)
    problems = [*_ALWAYS]
    if path is not None or query is not None:
        problems += ["wrong-value", "too-large"]
    if status == 202:
        problems += ["cross-site"]
    if body is not None:
        problems += _READING_A_BODY
    if unknown:
        problems += ["unknown-id"]
    extra: dict[str, Any] = {"parameters": parameters} if parameters else {}
    if body is not None:
        extra["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    good = {"description": summary, "content": {media_type: {"schema": _ref(answer) if answer else {"type": "string"}}}}
    return {
        "summary": summary,
        "status_code": status,
        "response_class": Response,
        "responses": {status: good, **_problems(problems)},
        "openapi_extra": extra,
    }


def router() -> APIRouter:
    """The route of the description itself."""
    routes = direct_router(include_in_schema=False)

    @routes.get("/openapi.json")
    async def describe(request: Request) -> Response:
        return json_answer(document(request.app.routes))

    return routes


def document(routes: Iterable[Any]) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    described = get_openapi(title=TITLE, version=VERSION, description=_DESCRIPTION, routes=list(routes))
    described["components"] = {"schemas": components()}
    described["x-problems"] = [{"kind": name, **asdict(kind)} for name, kind in KINDS.items()]
    return described


def _parameters(query: type[msgspec.Struct]) -> list[dict[str, Any]]:
    schema = msgspec.json.schema_components([query])[1][query.__name__]
    found = []
    for name, each in schema["properties"].items():
        described = {key: value for key, value in each.items() if key != "description"}
        if "anyOf" in described:  # absent is the only null that a query string has
            described = next(kind for kind in described["anyOf"] if kind.get("type") != "null")
        if name in _SAID:
            described = {**described, **_SAID[name]}
        parameter = {"name": name, "in": "query", "required": False, "schema": described}
        if "description" in each:
            parameter["description"] = each["description"]
        found.append(parameter)
    return found


def _problems(kinds: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    meanings: dict[int | str, list[str]] = {}
    for kind in dict.fromkeys(kinds):
        meanings.setdefault(KINDS[kind].status, []).append(KINDS[kind].meaning)
    schema = {MEDIA_TYPE: {"schema": _ref("Problem")}}
    return {
        status: {"description": " ".join(meanings[status]), "content": schema} for status in sorted(meanings, key=int)
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
