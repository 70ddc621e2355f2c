"""Lists over HTTP: what is asked for reaches the service, and what does not fit is refused."""

import json
from typing import Any

import pytest

from tests.unit.serving.http_client import Here, is_problem


async def test_a_list_for_a_user(here: Here) -> None:
    answer = await here.http.get("/v1/users/u1/recommendations?n=3&category=Sci-Fi&exclude=i1&exclude=i4&explain=true")
    told = answer.json()
    assert answer.status_code == 200
    assert [item["item_id"] for item in told["items"]] == ["i2", "i5", "i7"]
    assert told["user_id"] == "u1"
    assert len(told["request_id"]) == 32
    assert told["position"] == {"interactions": [100, 200, 300, 400]}
    for item in told["items"]:
        assert sum(reason["score"] for reason in item["reasons"]) == pytest.approx(item["score"], abs=1e-6)
    assert {"item_id": "i1", "rule": "excluded"} in told["left_out"]
    assert [served.request_id for served in here.served] == [told["request_id"]]


async def test_without_parameters_ten_and_nothing_explained(here: Here) -> None:
    told = (await here.http.get("/v1/users/u1/recommendations?category=&domain=&unknown=1&unknown=2")).json()
    assert len(told["items"]) == 10
    assert "reasons" not in told["items"][0]
    assert "left_out" not in told
    assert here.service.queries[0].filters.category is None


@pytest.mark.parametrize(
    ("sent", "user_id"),
    [
        ("a%2Fb", "a/b"),
        ("a:b%7B%7D*", "a:b{}*"),
        ("%F0%9F%8E%AC", "🎬"),
        ("%E8%AF%BB%E8%80%85", "读者"),
        ("a+b", "a+b"),
        ("100%25", "100%"),
        ("e%CC%81", "e\u0301"),
        ("%20x%20", " x "),
    ],
)
async def test_ids_in_paths_are_one_segment(here: Here, sent: str, user_id: str) -> None:
    assert (await here.http.get(f"/v1/users/{sent}/recommendations")).json()["user_id"] == user_id


@pytest.mark.parametrize("sent", ["%FF", "a%00", "%0A", "x" * 257, "%E4%BD%A0" * 86, "100%"])
async def test_what_is_no_id_is_refused(here: Here, sent: str) -> None:
    is_problem(await here.http.get(f"/v1/users/{sent}/recommendations"), 422, "wrong-value")
    is_problem(await here.http.delete(f"/v1/items/{sent}"), 422)
    assert here.publisher.written == []


@pytest.mark.parametrize(
    "query",
    [
        "n=0",
        "n=-1",
        "n=101",
        "n=1000000000",
        "n=x",
        "n=",
        "n=1.0",
        "n=%D9%A5",
        "n=1&n=2",
        "category=a&category=b",
        "explain=maybe",
        "diversity=2",
        "diversity=nan",
        "diversity=",
        "calibration=-0.1",
        "calibration=1&calibration=1",
        "fatigue=1.01",
        "shown=",
        "max_per_category=0",
        "max_per_category=1.5",
        "strategy=magic",
        "exclude=",
        "category=%FF",
        "max_age_s=0",
    ],
)
async def test_a_wrong_value_is_not_a_guess(here: Here, query: str) -> None:
    problem = is_problem(await here.http.get(f"/v1/users/u1/recommendations?{query}"), 422, "wrong-value")
    assert problem["errors"]
    assert here.service.queries == []


async def test_the_same_with_a_body(here: Here) -> None:
    body: dict[str, Any] = {
        "text": "科幻",
        "n": 2,
        "filters": {"category": "Sci-Fi"},
        "exclude": ["i2"],
        "context": {"platform": "x"},
        "strategy": "hybrid",
        "explain": True,
        "request_id": "r7",
        "more": 1,
    }
    told = (await here.http.post("/v1/recommendations", json=body)).json()
    assert (told["request_id"], len(told["items"]), told["user_id"]) == ("r7", 2, None)
    assert here.service.queries[0].strategy == "hybrid"
    assert (await here.http.post("/v1/recommendations", content=b"{}")).status_code == 200


async def test_dials_reach_the_service(here: Here) -> None:
    query = "diversity=0.5&calibration=1&fatigue=0.25&max_per_category=3&shown=i1&shown=i2"
    assert (await here.http.get(f"/v1/users/u1/recommendations?{query}")).status_code == 200
    rules = [{"category": "Horror", "boost": -1}, {"attribute": "price", "at_most": 9, "boost": 0.5}]
    body = {"diversity": 0.5, "calibration": 1, "fatigue": 0.25, "max_per_category": 3, "shown": ["i1", "i2"]}
    more = {"session": ["i4"], "same_as": ["cookie"], "attributes": {"age": 30}, "rules": rules}
    assert (await here.http.post("/v1/recommendations", json={**body, **more})).status_code == 200
    for asked in here.service.queries:
        assert {name: getattr(asked, name) for name in body} == body
    by_body = here.service.queries[1]
    assert (by_body.session, by_body.same_as, by_body.attributes) == (["i4"], ["cookie"], {"age": 30})
    assert [(rule.category, rule.boost, rule.at_most) for rule in by_body.rules] == [
        ("Horror", -1.0, None),
        (None, 0.5, 9.0),
    ]


async def test_a_wrong_rule_is_told_in_words(here: Here) -> None:
    answer = await here.http.post("/v1/recommendations", json={"rules": [{"boost": 1}]})
    assert "category" in is_problem(answer, 422)["detail"]


BODIES = [
    (b"", 400),
    (b"{", 400),
    (b"not json", 400),
    (b"\xef\xbb\xbf{}", 400),
    (b'{"u":"\xff"}', 400),
    (b'{"n":5} x', 400),
    (b'{"n":"5", oops', 400),
    (b'{"u":NaN}', 400),
    (b'{"context":' + b'{"a":' * 50_000, 400),
    (b'{"u":' + b"[" * 100_000, 400),
    (b"null", 422),
    (b"[]", 422),
    (b'{"n":0}', 422),
    (b'{"n":"5"}', 422),
    (b'{"n":5.0}', 422),
    (b'{"n":true}', 422),
    (b'{"n":' + b"9" * 5_000 + b"}", 422),
    (b'{"n":null}', 422),
    (b'{"user_id":""}', 422),
    (b'{"user_id":7}', 422),
    (b'{"history":["a",""]}', 422),
    (b'{"exclude":"i1"}', 422),
    (b'{"diversity":1.5}', 422),
    (b'{"strategy":"magic"}', 422),
    (b'{"calibration":2}', 422),
    (b'{"fatigue":-1}', 422),
    (b'{"shown":["a",""]}', 422),
    (b'{"session":"i1"}', 422),
    (b'{"same_as":[""]}', 422),
    (b'{"attributes":[]}', 422),
    (b'{"max_per_category":0}', 422),
    (b'{"rules":[{"boost":1}]}', 422),
    (b'{"rules":[{"category":"Horror"}]}', 422),
    (b'{"rules":[{"category":"Horror","boost":1e999}]}', 422),
    (b'{"rules":[{"category":"Horror","boost":1001}]}', 422),
    (b'{"rules":[{"category":"Horror","boost":1,"at_most":3}]}', 422),
    (b'{"filters":{"max_age_s":"1"}}', 422),
    (b'{"request_id":"a\\u0000"}', 422),
    (json.dumps({"history": ["i"] * 201}).encode(), 422),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
async def test_bodies_that_do_not_fit(here: Here, body: bytes, status: int) -> None:
    is_problem(await here.http.post("/v1/recommendations", content=body), status)
    assert here.service.queries == []


async def test_five_titles_for_a_chinese_sentence(here: Here) -> None:
    told = (await here.http.post("/recommend", json={"input": "我喜欢阅读科幻小说，特别是刘慈欣的作品。"})).json()
    assert told["recommendations"] == [item["title"] for item in told["items"]]
    assert told["recommendations"][:2] == ["Alien (1979)", "三体"]
    assert len(told["items"]) == 5


@pytest.mark.parametrize("body", [{}, {"input": ""}, {"input": " \n"}, {"input": 5}, {"text": "x"}])
async def test_a_wish_needs_words(here: Here, body: dict[str, Any]) -> None:
    is_problem(await here.http.post("/recommend", json=body), 422, "wrong-value")


@pytest.mark.parametrize("window", ["24h", "7d", "90m"])
async def test_trending(here: Here, window: str) -> None:
    assert len((await here.http.get(f"/v1/trending?n=4&window={window}")).json()["items"]) == 4


@pytest.mark.parametrize("window", ["24", "0h", "-1d", "1w", "h", "1h ", "24H", "%E5%85%AD"])
async def test_windows_that_are_none(here: Here, window: str) -> None:
    is_problem(await here.http.get(f"/v1/trending?window={window}"), 422)


async def test_an_encoder_that_is_away(here: Here) -> None:
    here.service.away = "the encoder is away"
    answer = await here.http.post("/recommend", json={"input": "x"})
    assert is_problem(answer, 503)["detail"] == "the encoder is away"
    assert answer.headers["retry-after"] == "2"


async def test_a_broken_sink_does_not_fail_the_answer() -> None:
    def refuse(_: object) -> None:
        raise OSError("full")

    made = Here(decisions=refuse)
    async with made.http:
        assert (await made.http.get("/v1/users/u1/recommendations")).status_code == 200
