"""The description of the API: complete, valid, and about the routes that there are."""

import re
from typing import Any

import pytest

from tests.unit.serving.http_client import Here

CONTRACT = {
    ("get", "/v1/users/{user_id}/recommendations"),
    ("post", "/v1/recommendations"),
    ("post", "/recommend"),
    ("get", "/v1/items/{item_id}/similar"),
    ("get", "/v1/items/{item_id}/audience"),
    ("get", "/v1/trending"),
    ("get", "/v1/items/{item_id}"),
    ("delete", "/v1/items/{item_id}"),
    ("get", "/v1/users/{user_id}"),
    ("get", "/v1/users/{user_id}/export"),
    ("delete", "/v1/users/{user_id}"),
    ("get", "/v1/forgets/{receipt}"),
    ("post", "/v1/events"),
    ("post", "/v1/items"),
    ("post", "/v1/profiles"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
}


@pytest.fixture
async def described(here: Here) -> dict[str, Any]:
    document: dict[str, Any] = (await here.http.get("/openapi.json")).json()
    return document


def operations(described: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(verb, path): each for path, verbs in described["paths"].items() for verb, each in verbs.items()}


def test_every_route_of_the_contract(described: dict[str, Any]) -> None:
    assert set(operations(described)) >= CONTRACT


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    named = set(re.findall(r"#/components/schemas/(\w+)", str(described)))
    assert named <= set(described["components"]["schemas"])
    assert "Problem" in named


def test_every_operation_says_what_it_takes_and_gives(described: dict[str, Any]) -> None:
    ids = [each["operationId"] for each in operations(described).values()]
    assert len(ids) == len(set(ids))
    for (verb, path), each in operations(described).items():
        given = {parameter["name"] for parameter in each.get("parameters", []) if parameter["in"] == "path"}
        assert given == set(re.findall(r"{(\w+)}", path))
        assert ("requestBody" in each) == (verb == "post")
        for status, answer in each["responses"].items():
            kind = "application/problem+json" if int(status) >= 400 else None
            assert kind is None or kind in answer["content"]


def test_parameters_have_their_bounds(described: dict[str, Any]) -> None:
    listed = operations(described)["get", "/v1/users/{user_id}/recommendations"]["parameters"]
    by_name = {parameter["name"]: parameter["schema"] for parameter in listed}
    assert by_name["n"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}
    assert by_name["exclude"]["type"] == "array"
    assert by_name["category"] == {"type": "string"}
    assert "timestamp" not in described["components"]["schemas"]["Interaction"]["required"]
