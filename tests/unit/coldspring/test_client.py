"""The Client: paths, parameters, and problems as exceptions."""

from typing import Any

import httpx
import pytest

from coldspring.client import Client
from coldspring.errors import NotFoundError, NotReadyError, RefusedError


def client(answer: Any) -> Client:
    return Client("localhost:1", transport=httpx.MockTransport(answer))


def test_ids_are_one_segment() -> None:
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={"items": [], "users": []})

    with client(answer) as asked:
        asked.recommend("a/b ü?", n=3, exclude=["x", "y"], explain=True)
        asked.similar("..")
    assert seen[0] == b"/v1/users/a%2Fb%20%C3%BC%3F/recommendations?n=3&exclude=x&exclude=y&explain=true"
    assert seen[1].startswith(b"/v1/items/%2E%2E/similar")


@pytest.mark.parametrize(("status", "kind"), [(404, NotFoundError), (422, RefusedError), (503, NotReadyError)])
def test_problems_are_exceptions(status: int, kind: type[Exception]) -> None:
    problem = {"title": "t", "detail": "because", "errors": [{"index": 0, "reason": "bad_id"}]}
    asked = client(lambda _: httpx.Response(status, json=problem))
    with pytest.raises(kind, match="because") as told:
        asked.events([{}])
    assert told.value.problem["errors"][0]["reason"] == "bad_id"  # type: ignore[attr-defined]


def test_no_server_and_no_json() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(NotReadyError, match="refused"):
        client(refuse).trending()
    assert client(refuse).ready() is False
    with pytest.raises(NotReadyError, match="502"):
        client(lambda _: httpx.Response(502, text="<html>")).user("u1")
