"""The agent's replies: the list or a problem, always under the request's own id."""

import json
from typing import Any

import pytest

from serving.kafka_door import reply
from tests.unit.fakes.recommender import FakeRecommender


async def ask(
    key: bytes | None, value: bytes | None, service: FakeRecommender | None = None
) -> tuple[str, dict[str, Any]]:
    answered, body, _ = await reply(service or FakeRecommender(), key, value, None, lambda: "fresh")
    return answered.decode(), json.loads(body)


@pytest.mark.parametrize(
    ("key", "value", "request_id"),
    [
        (b"k1", b'{"user_id":"u1","request_id":"r7"}', "r7"),
        (b"k1", b'{"user_id":"u1"}', "k1"),
        (None, b"{}", "fresh"),
        (b"\xff", b"{}", "fresh"),
    ],
)
async def test_a_list_under_its_request_id(key: bytes | None, value: bytes, request_id: str) -> None:
    answered, told = await ask(key, value)
    assert (answered, told["request_id"], len(told["items"])) == (request_id, request_id, 10)


@pytest.mark.parametrize(
    ("value", "status", "request_id"),
    [
        (b'{"request_id":"r7","n":0}', 422, "r7"),
        (b"not json", 400, "k1"),
        (None, 400, "k1"),
        (b"[" * 100_000, 400, "k1"),
        (b'{"request_id":""}', 422, "k1"),
        (b'{"request_id":5}', 422, "k1"),
    ],
)
async def test_a_problem_under_its_request_id(value: bytes | None, status: int, request_id: str) -> None:
    answered, told = await ask(b"k1", value)
    assert (answered, told["request_id"], told["status"]) == (request_id, request_id, status)


async def test_the_service_away_or_broken() -> None:
    service = FakeRecommender()
    service.away = "catching up"
    _, told = await ask(b"k1", b"{}", service)
    assert (told["status"], told["detail"], told["retry_after_s"]) == (503, "catching up", 2)
    service.broken = True
    _, told = await ask(b"k1", b"{}", service)
    assert told["status"] == 500
    assert "secret" not in json.dumps(told)
