"""What holds for every route: problems, HEAD, sizes, safe headers, and that nothing of the inside gets out."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from serving.http.bodies import Limits
from tests.unit.serving.http_client import Here, is_problem


async def test_unknown_routes_and_methods(here: Here) -> None:
    is_problem(await here.http.get("/v2/nothing"), 404, "no-such-page")
    is_problem(await here.http.get("/v1/items/"), 404)
    is_problem(await here.http.get("/page/secret.py"), 404)
    answer = await here.http.put("/v1/items/i1")
    is_problem(answer, 405, "wrong-method")
    assert answer.headers["allow"] == "DELETE, GET, HEAD"
    answer = await here.http.get("/v1/events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_head_is_get_without_a_body(here: Here) -> None:
    for path in ("/v1/users/u1/recommendations", "/healthz", "/", "/v1/items/i1", "/metrics"):
        answer = await here.http.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["content-length"]) > 0
    assert (await here.http.head("/v1/items/no")).status_code == 404


async def test_an_error_says_nothing_about_the_inside(here: Here, caplog: pytest.LogCaptureFixture) -> None:
    here.service.broken = True
    problem = is_problem(await here.http.get("/v1/users/u1-private/recommendations"), 500, "internal")
    assert "secret" not in json.dumps(problem)
    assert "/v1/users/{user_id}/recommendations failed" in caplog.text
    assert "u1-private" not in caplog.text


async def test_content_types(here: Here) -> None:
    async def post(content_type: str | None, encoding: str | None = None) -> int:
        given = {"content-type": content_type, "content-encoding": encoding}
        headers = {name: value for name, value in given.items() if value is not None}
        return (await here.http.post("/v1/recommendations", content=b"{}", headers=headers)).status_code

    assert await post(None) == 200
    assert await post("application/json; charset=utf-8") == 200
    assert await post("application/problem+json") == 200
    assert await post("text/plain") == 415
    assert await post("application/x-www-form-urlencoded") == 415
    assert await post("") == 415
    assert await post("application/json", "gzip") == 415


async def test_too_large_with_and_without_a_length() -> None:
    made = Here(limits=Limits(body_bytes=1_000, target_bytes=5_000))

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100

    async with made.http:
        is_problem(await made.http.post("/v1/recommendations", content=b" " * 1_001), 413, "too-large")
        is_problem(await made.http.post("/v1/events", content=pieces()), 413, "too-large")
        fits = await made.http.post("/v1/recommendations", content=b"{}".ljust(1_000))
        assert fits.status_code == 200
        is_problem(await made.http.get("/v1/trending?x=" + "y" * 5_000), 413, "too-large")


async def test_a_body_that_never_ends_its_arrival() -> None:
    made = Here(limits=Limits(body_seconds=0.05))

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(1)
        yield b"}"

    async with made.http:
        answer = await made.http.post("/v1/events", content=slow())
    is_problem(answer, 408, "slow-body")
    assert answer.headers["connection"] == "close"


async def test_health(here: Here) -> None:
    assert (await here.http.get("/healthz")).json() == {"status": "alive"}
    assert (await here.http.get("/readyz")).json() == {"status": "ready"}
    here.service.away = "catching up"
    assert is_problem(await here.http.get("/readyz"), 503)["detail"] == "catching up"
    assert (await here.http.get("/healthz")).status_code == 200


async def test_safe_headers_and_no_other_sites(here: Here) -> None:
    answer = await here.http.get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers
    assert (await here.http.get("/v1/users/u1/recommendations")).headers["cache-control"] == "no-store"
    click = {"user_id": "u1", "item_id": "i1", "type": "click"}
    for strange in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}):
        is_problem(await here.http.post("/v1/events", json=click, headers=strange), 403, "cross-site")
    for own in ({"sec-fetch-site": "same-origin", "origin": "https://outside"}, {"origin": "http://here"}):
        assert (await here.http.post("/v1/events", json=click, headers=own)).status_code == 202


async def test_pages_are_not_sent_twice(here: Here) -> None:
    tag = (await here.http.get("/")).headers["etag"]
    assert (await here.http.get("/", headers={"if-none-match": tag})).status_code == 304
