"""Dead letters sent again: where they belong, once, and only if they fit."""

import json

from coldspring.dead_letters import chosen, fitting, letter_of
from recommender.event_types import EventTypes

TYPES = EventTypes()
CLICK = b'{"user_id":"u1","item_id":"i9","type":"click","timestamp":5}'
HEADERS = [("reason", b"wrong_partition"), ("detail", b"d"), ("topic", b"shop.interactions"), ("partition", b"2"),
           ("offset", b"17"), ("index", b"3")]  # fmt: skip


def test_an_event_without_an_id_gets_that_of_its_place() -> None:
    letter = letter_of(b"u1", CLICK, HEADERS)
    assert letter.place == ("shop.interactions", 2, 17, 3)
    found = fitting(letter, "shop.", TYPES)
    assert found is not None
    topic, key, value = found
    assert (topic, key) == ("interactions", "u1")
    assert json.loads(value or b"")["event_id"] == "dead-letter:shop.interactions:2:17:3"


def test_what_still_does_not_fit_stays() -> None:
    for value in (b"nonsense", b"", None, CLICK.replace(b"click", b"clack")):
        assert fitting(letter_of(None, value, HEADERS), "shop.", TYPES) is None
    log = [("topic", b"events.jsonl"), ("offset", b"4")]
    assert fitting(letter_of(None, CLICK, log), "shop.", TYPES) is None


def test_bytes_that_are_no_text_are_told_in_base64() -> None:
    told = letter_of(b"u1", b"\xff\x00", HEADERS).as_dict()
    assert told["value_base64"] == "/wA="
    assert "value_base64" not in letter_of(b"u1", CLICK, HEADERS).as_dict()


def test_letters_are_chosen_by_reason_and_at_most_so_many() -> None:
    letters = [letter_of(None, b"%d" % n, [("reason", b"bad_id" if n % 2 else b"empty")]) for n in range(6)]
    assert [letter.value for letter in chosen(letters, "bad_id", 2)] == [b"1", b"3"]
    assert [letter.value for letter in chosen(letters, "bad_id")] == [b"1", b"3", b"5"]
    assert len(chosen(letters)) == 6
    assert len(chosen(letters, None, 4)) == 4


def test_removals_profiles_and_forgets_go_back_to_their_topics() -> None:
    def again(topic: bytes, key: bytes | None, value: bytes | None) -> object:
        return fitting(letter_of(key, value, [("topic", b"shop." + topic)]), "shop.", TYPES)

    profile = b'{"user_id":"u1","timestamp":5}'
    assert again(b"items", b"i9", None) == ("items", "i9", None)
    assert again(b"profiles", b"another", profile) == ("profiles", "u1", profile)
    assert again(b"forgets", None, profile) == ("forgets", "u1", profile)
    assert again(b"items", None, None) is None
