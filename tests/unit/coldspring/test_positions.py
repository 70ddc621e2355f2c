"""A position in every way that people and programs give it, and what is none."""

from __future__ import annotations

import json

import pytest

from coldspring.errors import CommandError
from coldspring.positions import parse_position

ANSWER = {"request_id": "r7", "items": [], "position": {"interactions": [8, 0, 7]}}


@pytest.mark.parametrize(
    "text", ["8,0,7", " 8, 0,7 ", "8 0 7", "[8, 0, 7]", '{"interactions": [8, 0, 7]}', json.dumps(ANSWER), "r7"]
)
def test_every_form_of_a_position_is_read(text: str) -> None:
    assert parse_position(text, 3, lambda request: [8, 0, 7] if request == "r7" else []) == [8, 0, 7]


@pytest.mark.parametrize(
    "text",
    ["8,0", "[8, 0]", "[8, 0, -7]", '[8, 0, "7"]', "[8, 0, 7.5]", "[true, 0, 7]", "{", "[[8, 0, 7]]", '{"a": 1}'],
)
def test_what_is_no_position_of_this_system_is_said(text: str) -> None:
    with pytest.raises(CommandError, match="position"):
        parse_position(text, 3, lambda _: [])
