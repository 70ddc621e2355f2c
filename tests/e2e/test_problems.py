"""Wrong requests: problem+json with the right status, and nothing else happens."""

import asyncio
import gzip
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from coldspring import Client
from coldspring.errors import NotFoundError, RefusedError
from tests.rig.system import RunningSystem, eventually

USER = "/v1/users/u1/recommendations"
ASK = "/v1/recommendations"

WRONG: list[tuple[int, str, str, dict[str, Any]]] = [
    *((422, "GET", f"{USER}?n={n}", {}) for n in ("0", "-1", "101", "1000000000", "x", "1.5", "", "%20", "1e1")),
    (422, "GET", f"{USER}?n=5&n=6", {}),
    (422, "GET", f"{USER}?category=a&category=b", {}),
    (422, "GET", f"{USER}?n=5&n=5", {}),
    (422, "GET", f"{USER}?explain=true&explain=true", {}),
    (422, "GET", "/v1/trending?window=24h&window=24h", {}),
    *((422, "GET", f"{path}?n={n}", {}) for path in ("/v1/trending", "/v1/items/santi/audience") for n in ("-1", "x")),
    (413, "GET", f"{USER}?{'&'.join(['exclude=a'] * 5_000)}", {}),
    (422, "GET", f"{USER}?{'&'.join(['exclude=a'] * 1_500)}", {}),
    (422, "GET", f"{USER}?explain=perhaps", {}),
    (422, "GET", f"{USER}?exclude=", {}),
    (422, "GET", f"{USER}?strategy=magic", {}),
    (422, "GET", "/v1/trending?window=soon", {}),
    (422, "GET", "/v1/trending?n=0", {}),
    (422, "GET", "/v1/items/santi/similar?n=0", {}),
    (422, "GET", "/v1/users/%00/recommendations", {}),
    (422, "GET", "/v1/users/%FF/recommendations", {}),
    (422, "GET", f"/v1/users/{'x' * 257}/recommendations", {}),
    (404, "GET", "/v1/items/no-such-item", {}),
    (404, "GET", "/v1/items/no-such-item/similar", {}),
    (404, "GET", "/v1/items/no-such-item/audience", {}),
    (404, "GET", "/v1/users/no-such-user", {}),
    (404, "GET", "/v1/users/no-such-user/export", {}),
    (404, "GET", "/v1/nowhere", {}),
    (404, "GET", "/v1/forgets/nonsense", {}),
    (405, "PUT", "/v1/items/santi", {}),
    (405, "GET", "/v1/events", {}),
    (400, "POST", ASK, {"content": b"{bad"}),
    (400, "POST", ASK, {"content": b""}),
    (400, "POST", ASK, {"content": b"\xff"}),
    (400, "POST", ASK, {"content": b"[" * 100_000}),
    (400, "POST", ASK, {"content": b'{"diversity": NaN}'}),
    (422, "POST", ASK, {"content": b"[]"}),
    (422, "POST", ASK, {"json": {"n": "5"}}),
    (422, "POST", ASK, {"json": {"n": True}}),
    (422, "POST", ASK, {"json": {"n": 0}}),
    (422, "POST", ASK, {"json": {"user_id": 7}}),
    (422, "POST", ASK, {"json": {"user_id": ""}}),
    (422, "POST", ASK, {"json": {"history": "santi"}}),
    (422, "POST", ASK, {"json": {"diversity": 1.5}}),
    (422, "POST", ASK, {"json": {"strategy": "magic"}}),
    (422, "POST", ASK, {"json": {"filters": {"max_age_s": 0}}}),
    (422, "POST", "/recommend", {"json": {"input": ""}}),
    (422, "POST", "/recommend", {"json": {}}),
    (413, "POST", ASK, {"content": b'{"text": "' + b"x" * 2_000_000 + b'"}'}),
    (415, "POST", ASK, {"content": b"{}", "headers": {"content-type": "text/plain"}}),
    (415, "POST", "/v1/events", {"content": b"a=b", "headers": {"content-type": "application/x-www-form-urlencoded"}}),
    (415, "POST", "/v1/events", {"content": gzip.compress(b"{}"), "headers": {"content-encoding": "gzip"}}),
    (415, "POST", ASK, {"content": b"{}", "headers": {"content-encoding": "br"}}),
    (413, "POST", "/v1/events", {"content": b"[" + b" " * 10_000_000 + b"]"}),
    *((422, "POST", ASK, {"json": {"n": n}}) for n in (-1, 101, 10**9, 1.5, None)),
    (422, "POST", "/v1/events", {"json": []}),
    (422, "POST", "/v1/events", {"json": 7}),
    (422, "POST", "/v1/items", {"json": {"item_id": "x"}}),
    (422, "POST", "/v1/profiles", {"json": {"user_id": "x", "same_as": "y"}}),
    (400, "POST", "/v1/items", {"content": b"{"}),
]


@pytest.mark.parametrize(
    ("status", "method", "path", "more"), WRONG, ids=lambda value: value[:40] if isinstance(value, str) else ""
)
def test_a_wrong_request_is_a_problem(
    system: RunningSystem, status: int, method: str, path: str, more: dict[str, Any]
) -> None:
    with system.http() as http:
        answer = http.request(method, path, **more)
        assert answer.status_code == status, answer.text[:300]
        assert answer.headers["content-type"].startswith("application/problem+json")
        problem = answer.json()
        assert {"type", "title", "status", "detail"} <= set(problem)
        assert problem["status"] == status
        assert len(answer.content) < 2_000
        assert http.get("/healthz").status_code == 200


def test_unknown_fields_and_parameters_are_ignored(client: Client, system: RunningSystem) -> None:
    assert client.query(user_id="u1", n=3, unknown={"x": [1]})["items"]
    with system.http() as http:
        assert http.get(f"{USER}?utm_source=mail&n=3").status_code == 200


def test_one_bad_event_refuses_all(client: Client) -> None:
    good = {"user_id": "all-or-nothing", "item_id": "santi", "type": "click"}
    before = client.status()["position"]
    with pytest.raises(RefusedError) as caught:
        client.events([good, {**good, "type": "ogle"}, good, {**good, "item_id": ""}])
    assert caught.value.status == 422
    errors = [(one["index"], one["reason"]) for one in caught.value.problem["errors"]]
    assert errors == [(1, "unknown_type"), (3, "bad_id")]
    with pytest.raises(RefusedError):
        client.events([good] * 501)
    with pytest.raises(NotFoundError):
        client.user("all-or-nothing")
    assert client.status()["position"] == before
    assert len(client.events([good] * 500)) == 500


def test_what_is_no_http_is_refused_and_the_server_lives(system: RunningSystem) -> None:
    address = urlsplit(system.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert b" 400 " in connection.recv(1_000).split(b"\r\n")[0]
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=30) as connection:
        connection.sendall(b"GET /v1/trending?x=" + b"y" * 100_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n")
        assert b" 413 " in connection.recv(1_000).split(b"\r\n")[0]
    with system.http() as http:
        assert http.get("/readyz").status_code == 200


async def test_two_thousand_at_once(system: RunningSystem) -> None:
    """All are asked before the first answer is read: each gets its own list, or is told to come again."""
    room = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=system.url, timeout=150, trust_env=False, limits=room) as http:
        answers = await asyncio.gather(*(http.get(f"/v1/users/m{n}/recommendations?n=3") for n in range(2_000)))
    for n, answer in enumerate(answers):
        assert answer.status_code == 200 or int(answer.headers["retry-after"]) >= 1, answer.text
        assert answer.status_code == 503 or answer.json()["user_id"] == f"m{n}"
    with system.http() as one:
        assert eventually(lambda: one.get(f"{USER}?n=3").status_code == 200, seconds=30)


def test_the_pages_around(system: RunningSystem) -> None:
    with system.http() as http:
        assert "text/html" in http.get("/").headers["content-type"]
        assert http.get("/docs").status_code == 200
        assert http.get("/openapi.json").json()["openapi"].startswith("3.")
        metrics = http.get("/metrics").text
    for name in ("events_applied_total", "events_duplicate_total", "dead_letters_total", "consumer_lag_records",
                 "event_to_state_seconds", "item_to_searchable_seconds", "request_seconds"):  # fmt: skip
        assert f"coldspring_{name}" in metrics
