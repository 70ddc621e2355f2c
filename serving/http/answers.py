"""Answers as bytes: JSON by msgspec, problems as RFC 9457 has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from serving.http.problem import MEDIA_TYPE, Problem


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; floats that are no numbers become null."""
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def problem_answer(problem: Problem) -> Response:
    """The `application/problem+json` answer for a problem."""
    return Response(msgspec.json.encode(problem.as_dict()), problem.status, problem.headers, MEDIA_TYPE)
