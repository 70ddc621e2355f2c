"""Any bytes: an event or a `BadEventError` with a reason of the list, quickly, and the same wherever it is asked."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recommender import events
from recommender.events import Forget, Interaction, Item, Profile, decode_interaction, encode, split_envelope
from recommender.json_bytes import elements
from recommender.partitioning import partition_of
from recommender.reasons import REASONS, BadEventError
from streams.replay import DirectReplay

EXAMPLES = int(os.environ.get("COLDSPRING_FUZZ", "8")) * 25
SECONDS = 5.0
"""A quadratic step over a megabyte takes minutes; this leaves room for a busy machine."""

DECODERS: list[Callable[[bytes], Any]] = [
    events.decode_interaction, events.decode_item, events.decode_profile, events.decode_forget, split_envelope,
]  # fmt: skip
FIELDS = ("user_id", "item_id", "type", "timestamp", "event_id", "value", "scale", "items", "context", "title", "text",
          "categories", "tags", "attributes", "available", "expires_at", "same_as", "request_id", "domain",
          "x")  # fmt: skip

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(1, events.MAX_TIMESTAMP), st.floats(), st.text(max_size=300),
    st.sampled_from(["click", "rating", "impression", "u1", "\ud800", "\0", "é" * 129, 10**400, 1e308, -1e308]),
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)
objects = st.dictionaries(st.sampled_from(FIELDS), values, max_size=len(FIELDS))
likely = st.fixed_dictionaries(
    {"user_id": st.text(max_size=20), "item_id": st.text(max_size=20), "title": st.text(max_size=20),
     "type": st.sampled_from(["click", "rating", "hide", "impression", "ogle"]),
     "timestamp": st.integers(0, events.MAX_TIMESTAMP + 1)},
    optional={"value": st.floats(), "scale": st.lists(st.floats(), max_size=3), "context": values,
              "attributes": values},
)  # fmt: skip


def written(value: Any) -> bytes:
    return json.dumps(value).encode()


@st.composite
def spoiled(draw: Any, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with a piece cut out, put in or doubled."""
    value: bytes = draw(whole)
    begin: int = draw(st.integers(0, len(value)))
    end: int = draw(st.integers(begin, len(value)))
    piece: bytes = draw(st.sampled_from([b"", value[begin:end] * 2, b"\xff", b"NaN", b'"', b"\\", b"]"]))
    return value[:begin] + piece + value[end:]


json_bytes = st.one_of(objects, likely, st.lists(likely, max_size=3), values).map(written)
anything = st.one_of(st.binary(max_size=200), json_bytes, spoiled(json_bytes))


def result(decode: Callable[[bytes], Any], value: bytes) -> Any:
    """What a decoder gives, or the reason it has against it."""
    began = time.perf_counter()
    found: Any
    try:
        found = decode(value)
    except BadEventError as error:
        found = error
    if isinstance(found, BadEventError):
        assert found.reason in REASONS
        assert 0 < len(found.detail) <= 200
        found = found.reason
    assert time.perf_counter() - began < SECONDS
    return found


def at_depth(frames: int, call: Callable[[], Any]) -> Any:
    """The same call from deep inside a stack."""
    return call() if frames == 0 else at_depth(frames - 1, call)


@settings(max_examples=EXAMPLES, deadline=None)
@given(value=anything)
@example(value=b'{"context":{"a":' + b"[" * 900 + b"]" * 900 + b"}}")  # was too deep for some callers only
@example(value=b'{"user_id":"u","item_id":"i","type":"click","timestamp":1,"x":"\xff"}')  # was learned
@example(value=b'[{"user_id":"\\ud800"},7]')  # spoiled its neighbour
@example(value=b'"' + b"{" * 65 + b'"')  # ended the worker
@example(value=b'["' + b"{" * 65 + b'"]')
def test_any_bytes_are_an_event_or_say_what_is_wrong(value: bytes) -> None:
    for decode in DECODERS:
        found = result(decode, value)
        assert at_depth(400, lambda: result(decode, value)) == found  # noqa: B023 - called at once


@settings(max_examples=EXAMPLES, deadline=None)
@given(value=st.one_of(objects, likely).map(written))
@example(value=written({"item_id": "i", "title": "t", "timestamp": 1, "attributes": {"a": 2**70, "b": 10**4000}}))
def test_what_is_accepted_is_the_same_after_writing_and_reading(value: bytes) -> None:
    for decode in DECODERS[:4]:
        found = result(decode, value)
        if isinstance(found, Interaction | Item | Profile | Forget):
            assert decode(encode(found)) == found
            assert encode(decode(encode(found))) == encode(found)


@settings(max_examples=EXAMPLES, deadline=None)
@given(parts=st.lists(json_bytes | st.sampled_from([b"NaN", b'"\\ud800"', b"7"]), min_size=1, max_size=20))
def test_an_envelope_comes_apart_as_it_was_put_together(parts: list[bytes]) -> None:
    assert split_envelope(b"[" + b" , ".join(parts) + b"\n]") == parts
    assert elements(b"[" + b",".join(parts) + b"]", most=20) == parts


names = st.text('aé\x7f\x80\u2028\U0001f600\\"', max_size=90) | st.sampled_from(["u1", "i1"])
plain = st.fixed_dictionaries(
    {"user_id": names, "item_id": names, "type": st.sampled_from(["click", "rating", "impression"]),
     "timestamp": st.integers(1, 3)},
    optional={"event_id": names, "value": st.sampled_from([1, 3.5, 9]), "items": st.lists(names, max_size=2),
              "scale": st.sampled_from([[1, 5], [5, 1], [0, 10]]), "context": values, "x": st.just([[[{}]]] * 20)},
)  # fmt: skip


envelopes = st.tuples(st.lists(plain | likely, max_size=4), st.booleans()).map(
    lambda told: json.dumps(told[0], ensure_ascii=told[1]).encode(errors="surrogatepass")
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(value=envelopes | spoiled(envelopes))
@example(value=b'[{"user_id":"u","item_id":"i","type":"click","timestamp":1,"x":"\xff"}]')
def test_an_envelope_decoded_whole_is_its_elements(value: bytes) -> None:
    whole = events.decode_envelope(value)
    if whole is not None:
        assert whole == [decode_interaction(part) for part in split_envelope(value) or []]


def test_what_is_usual_is_decoded_whole() -> None:
    usual = [
        {"user_id": "用户", "item_id": f"i{n}", "type": "click", "timestamp": 5, "event_id": "e"} for n in range(500)
    ]
    assert len(events.decode_envelope(json.dumps(usual, ensure_ascii=False).encode()) or ()) == 500


@settings(max_examples=max(5, EXAMPLES // 10), deadline=None)
@given(records=st.lists(anything, max_size=12))
@example(records=[written({"user_id": "u", "item_id": "i", "type": "rating", "value": 1.7e308,
                           "scale": [-1.7e308, 1.7e308], "timestamp": 1})])  # its weight was no number  # fmt: skip
def test_no_record_stops_the_fold(records: Sequence[bytes]) -> None:
    engine = DirectReplay()
    good = {"item_id": "i", "type": "click", "timestamp": 5}
    for number, value in enumerate(records):
        user = user_of(value)
        for kind in ("interaction", "item", "profile", "forget"):
            engine.feed(kind, user, value)
        engine.feed("interaction", "neighbour", written({**good, "user_id": "neighbour", "event_id": f"n{number}"}))
    counts = engine.counts()
    assert counts["applied"] >= len(records)
    assert sum(engine.position()["interactions"]) == 2 * len(records)
    assert engine.digest().startswith("sha256:")


def user_of(value: bytes) -> str:
    """The user of an event, if it has a good one: so that some of it is learned."""
    try:
        return decode_interaction(value).user_id
    except BadEventError:
        return "u"


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 990_000,
        b"[" + b"[]," * 300_000 + b"1]",
        b"[" + b'"",' * 300_000 + b"NaN]",
        b'"' + b'\\"' * 480_000 + b"[[[",
        b'["\\' * 240_000,
        b'{"context":{"a":' + b"9" * 990_000 + b"}}",
        b'{"context":{"a":0.' + b"9" * 990_000 + b"e" + b"9" * 5_000 + b"}}",
        b'{"context":{' + b",".join(b'"%d":0' % n for n in range(90_000)) + b"}}",
        b'{"user_id":"' + b"\\u0041" * 160_000 + b'"}',
        b"{" + b'"user_id":"u",' * 70_000 + b'"x":1}',
        b" " * 990_000 + b"[",
        b"\xf0\x9f" * 490_000,
    ],
    ids=lambda value: f"{value[:12]!r}",
)
def test_a_megabyte_of_anything_takes_no_time(value: bytes) -> None:
    assert sys.getrecursionlimit() <= 10_000
    for decode in DECODERS:
        result(decode, value)


def test_partitions_of_any_text() -> None:
    assert all(0 <= partition_of(name, 4) < 4 for name in ("", "é", "😀" * 64, "\u200f", "a" * 256))
