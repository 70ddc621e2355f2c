"""Every way in which an event may not fit has its reason."""

import json

import pytest

from recommender.events import (
    Interaction,
    decode_interaction,
    decode_item,
    decode_profile,
    split_envelope,
)
from recommender.reasons import BadEventError

GOOD = {"user_id": "u1", "item_id": "i9", "type": "click", "timestamp": 1367884800000}


def reason_of(value: bytes) -> str:
    with pytest.raises(BadEventError) as caught:
        decode_interaction(value)
    assert len(caught.value.detail) <= 200
    return caught.value.reason


def changed(**fields: object) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty"),
        (b"not json", "not_json"),
        (b'{"user_id": "\xff"}', "not_json"),
        (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), "not_json"),
        (json.dumps(GOOD).encode() + b"x", "not_json"),
        (b"null", "not_object"),
        (b'"text"', "not_object"),
        (b'{"context":' + b"[" * 100_000, "too_deep"),
        (b'{"context":{"a":' + b"[" * 100_000, "too_deep"),
        (b"{}", "missing_field"),
        (changed(item_id=None), "missing_field"),
        (changed(user_id=None), "missing_field"),
        (changed(user_id=1), "wrong_type"),
        (changed(user_id=True), "wrong_type"),
        (changed(user_id=""), "bad_id"),
        (changed(user_id="a\nb"), "bad_id"),
        (changed(item_id="a\x00b"), "bad_id"),
        (changed(item_id="ü" * 129), "bad_id"),
        (changed(event_id=""), "bad_id"),
        (changed(user_id="x" * 999_999), "too_large"),
        (changed(user_id="x" * 99_999), "bad_id"),
        (b'{"user_id":"\\ud800","item_id":"i","type":"click","timestamp":1}', "not_json"),
        (changed(timestamp="5"), "bad_timestamp"),
        (changed(timestamp=0), "bad_timestamp"),
        (changed(timestamp=-1), "bad_timestamp"),
        (changed(timestamp=253402300800000), "bad_timestamp"),
        (changed(timestamp=None), "bad_timestamp"),
        (changed(timestamp=1.5), "bad_timestamp"),
        (b'{"user_id":"u","item_id":"i","type":"click","timestamp":' + b"9" * 5000 + b"}", "bad_timestamp"),
        (b'{"user_id":"u","item_id":"i","type":"rating","timestamp":1,"value":NaN}', "not_json"),
        (b'{"user_id":"u","item_id":"i","type":"rating","timestamp":1,"value":1e999}', "wrong_type"),
        (changed(type="rating"), "bad_value"),
        (changed(type="rating", value=6), "bad_value"),
        (changed(type="rating", value=3, scale=[5, 1]), "bad_value"),
        (changed(type="impression", item_id=None), "missing_field"),
    ],
)
def test_what_does_not_fit_says_why(value: bytes, reason: str) -> None:
    assert reason_of(value) == reason


@pytest.mark.parametrize("identity", ["a:b", "{x}*", "\u202eabc", "🎬", "e\u0301", "é", " ", "ü" * 128])
def test_ids_are_taken_as_they_are(identity: str) -> None:
    event = decode_interaction(json.dumps({**GOOD, "user_id": identity, "item_id": identity}).encode())
    assert (event.user_id, event.item_id) == (identity, identity)


def test_composed_and_decomposed_accents_are_two_users() -> None:
    one, two = (decode_interaction(changed(user_id=name)).user_id for name in ("é", "e\u0301"))
    assert one != two


def test_unknown_fields_are_ignored_and_the_last_of_two_keys_wins() -> None:
    value = b'{"user_id":"a","user_id":"b","item_id":"i","type":"click","timestamp":1,"more":{"x":1}}'
    assert decode_interaction(value) == Interaction("b", "click", 1, "i")


def test_an_impression_may_carry_the_list_that_was_shown() -> None:
    event = decode_interaction(b'{"user_id":"a","type":"impression","timestamp":1,"items":["x","y"]}')
    assert event.items == ["x", "y"]


def test_an_item_needs_something_to_know_it_by() -> None:
    with pytest.raises(BadEventError, match="one of title, text, image"):
        decode_item(b'{"item_id":"i","timestamp":1,"title":""}')
    assert decode_item(b'{"item_id":"i","timestamp":1,"image":"x.png"}').image == "x.png"


def test_too_many_tags_are_refused() -> None:
    with pytest.raises(BadEventError, match="too_large"):
        decode_item(json.dumps({"item_id": "i", "timestamp": 1, "title": "t", "tags": ["x"] * 10_000}).encode())


def test_a_profile_takes_a_chinese_text() -> None:
    text = "我喜欢阅读科幻小说，特别是刘慈欣的作品。"
    profile = decode_profile(json.dumps({"user_id": "u", "timestamp": 1, "text": text, "same_as": ["c-7"]}).encode())
    assert (profile.text, profile.same_as) == (text, ["c-7"])


def test_envelopes_are_split_without_a_look_inside() -> None:
    assert split_envelope(b'{"a":1}') is None
    assert split_envelope(b' [{"a":1}, 2]') == [b'{"a":1}', b"2"]
    for value, reason in ((b"[]", "empty"), (b"[" + b"1," * 500 + b"1]", "too_large"), (b"[1", "not_json")):
        with pytest.raises(BadEventError) as caught:
            split_envelope(value)
        assert caught.value.reason == reason
