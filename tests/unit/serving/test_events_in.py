"""Events over HTTP: all are checked before one is written."""

import json
from typing import Any

import pytest

from recommender.events import Interaction, Item, Profile
from tests.unit.serving.http_client import Here, is_problem

CLICK: dict[str, Any] = {"user_id": "u1", "item_id": "i9", "type": "click"}


async def test_one_event_is_completed(here: Here) -> None:
    answer = await here.http.post("/v1/events", json={**CLICK, "event_id": None, "colour": "red"})
    assert answer.status_code == 202
    [(topic, event)] = here.publisher.written
    assert (topic, answer.json()["ids"]) == ("interactions", [event.event_id])
    assert event == Interaction("u1", "click", 1_700_000_000_000, "i9", event.event_id)
    assert answer.json()["written"] == [{"partition": 0, "offset": 100}]


async def test_what_is_given_is_kept(here: Here) -> None:
    told = (await here.http.post("/v1/events", json=[{**CLICK, "event_id": "e1", "timestamp": 5}])).json()
    assert told["ids"] == ["e1"]
    assert here.publisher.written[0][1].timestamp == 5


async def test_items_and_profiles(here: Here) -> None:
    told = (await here.http.post("/v1/items", json=[{"item_id": "i9", "title": "三体"}])).json()
    assert told["ids"] == ["i9"]
    told = (await here.http.post("/v1/profiles", json={"user_id": "u1", "text": "科幻"})).json()
    assert told["ids"] == ["u1"]
    at = 1_700_000_000_000
    assert here.publisher.written == [
        ("items", Item("i9", at, title="三体")),
        ("profiles", Profile("u1", at, text="科幻")),
    ]


async def test_one_bad_event_and_nothing_is_written(here: Here) -> None:
    sent = [CLICK, {**CLICK, "type": "stare"}, CLICK, 7, {**CLICK, "user_id": ""}, {**CLICK, "timestamp": 0}]
    problem = is_problem(await here.http.post("/v1/events", json=sent), 422, "bad-events")
    found = [(error["index"], error["reason"]) for error in problem["errors"]]
    assert found == [(1, "unknown_type"), (3, "not_object"), (4, "bad_id"), (5, "bad_timestamp")]
    assert here.publisher.written == []


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"item_id": "i9", "type": "click"}, "missing_field"),
        ({"user_id": "u1", "type": "click"}, "missing_field"),
        ({**CLICK, "event_id": ""}, "bad_id"),
        ({**CLICK, "timestamp": "5"}, "bad_timestamp"),
        ({**CLICK, "type": "rating"}, "bad_value"),
        ({**CLICK, "type": "rating", "value": 9}, "bad_value"),
        ({**CLICK, "user_id": True}, "wrong_type"),
        ([], "empty"),
        ([[CLICK]], "not_object"),
        ([CLICK] * 501, "too_large"),
        (None, "not_object"),
    ],
)
async def test_reasons(here: Here, event: Any, reason: str) -> None:
    problem = is_problem(await here.http.post("/v1/events", content=json.dumps(event)), 422, "bad-events")
    assert [error["reason"] for error in problem["errors"]] == [reason]


async def test_five_hundred_are_taken(here: Here) -> None:
    answer = await here.http.post("/v1/events", json=[CLICK] * 500)
    assert len(set(answer.json()["ids"])) == 500


@pytest.mark.parametrize(
    "body", [b"", b"[{]", b'[{"a":"\xff"}]', b"[" * 100_000, b'[{"u":"\\ud800"}]', b'{"context":{"a":1e999},']
)
async def test_unreadable(here: Here, body: bytes) -> None:
    is_problem(await here.http.post("/v1/events", content=body), 400, "unreadable")


async def test_a_number_that_is_too_long_is_one_bad_event(here: Here) -> None:
    body = b'[{"context":{"a":' + b"1" * 5_000 + b"}}]"
    problem = is_problem(await here.http.post("/v1/events", content=body), 422)
    assert problem["errors"][0]["index"] == 0


async def test_kafka_away(here: Here) -> None:
    here.publisher.away = True
    answer = await here.http.post("/v1/events", json=CLICK)
    assert len(is_problem(answer, 503)["ids"]) == 1
    assert answer.headers["retry-after"] == "2"
    is_problem(await here.http.delete("/v1/users/u1"), 503)
