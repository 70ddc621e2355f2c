"""Every case of bad input as records, and what each must come to."""

import gzip
import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from recommender.partitioning import partition_of
from recommender.topics import Topics

NOW: Final = 1_700_000_000_000
USER, ITEM = "u", "it"
CLICK: Final[dict[str, Any]] = {"user_id": USER, "item_id": "i9", "type": "click", "timestamp": NOW}
THING: Final[dict[str, Any]] = {"item_id": ITEM, "title": "Something", "timestamp": NOW}
PROFILE: Final[dict[str, Any]] = {"user_id": USER, "timestamp": NOW}
FORGET: Final[dict[str, Any]] = {"user_id": "nobody", "timestamp": NOW}
BIG: Final = 10_000_000

Dead = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Case:
    """A record (or several, of one topic and key) and what it must come to.

    applied: events that count; dead: (index in its envelope, reason) of each dead letter.
    """

    group: str
    name: str
    values: tuple[bytes | None, ...]
    applied: int = 0
    dead: Dead = ()
    topic: str = "interactions"
    key: bytes | None = USER.encode()
    home: str = USER

    def partition(self, topics: Topics) -> int:
        """Where its records lie."""
        return partition_of(self.home, topics.count(self.topic))

    @property
    def expected(self) -> str:
        """In words."""
        return told(self.applied, self.dead)


def told(applied: int, dead: Dead) -> str:
    """What records came to, in words."""
    letters = ", ".join(f"`{reason}`" + (f" at index {index}" if index else "") for index, reason in dead)
    counted = f"{applied} applied" if applied else ""
    return " and ".join(part for part in (letters, counted) if part) or "nothing"


def changed(base: dict[str, Any], **fields: Any) -> bytes:
    """The JSON of an event with fields changed; `...` takes one out."""
    kept = {name: value for name, value in {**base, **fields}.items() if value is not ...}
    return json.dumps(kept, ensure_ascii=False).encode()


def swapped(old: str, new: bytes) -> bytes:
    """A click with some of its bytes replaced."""
    assert old.encode() in changed(CLICK)
    return changed(CLICK).replace(old.encode(), new)


def bad(group: str, name: str, reason: str, *values: bytes | None, **more: Any) -> Case:
    return Case(group, name, values, dead=((0, reason),), **more)


def good(group: str, name: str, *values: bytes | None, **more: Any) -> Case:
    return Case(group, name, values, applied=more.pop("applied", len(values)), **more)


def cases() -> list[Case]:
    """All of them."""
    return [*_bytes(), *_shape(), *_meaning(), *_items(), *_others()]


def _bytes() -> Iterator[Case]:
    group = "Bytes"
    own = changed(CLICK)
    deep = own[:-1] + b', "context": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    yield bad(group, "no value", "empty", None)
    yield bad(group, "neither key nor value", "empty", None, key=None)
    yield bad(group, "empty body", "empty", b"")
    yield bad(group, "`[]`", "empty", b"[]")
    yield bad(group, "`null`", "not_object", b"null")
    yield bad(group, "a number", "not_object", b"7")
    yield bad(group, "a string", "not_object", b'"text"')
    yield bad(group, "a string of 100,000 brackets", "not_object", b'"' + b"{" * 100_000 + b'"')
    yield bad(group, "an array in an array", "not_object", b"[[]]")
    yield bad(group, "only white space", "not_json", b" \n ")
    yield bad(group, "not JSON", "not_json", b"{bad")
    yield bad(group, "half an event", "not_json", own[:40])
    yield bad(group, "trailing bytes", "not_json", own + b" and more")
    yield bad(group, "two events in one record", "not_json", own + b"\n" + own)
    yield bad(group, "an array that does not end", "not_json", b"[" + own)
    yield bad(group, "bad UTF-8 in an id", "not_json", swapped('"u"', b'"\xff\xfe"'))
    yield bad(group, "bad UTF-8 in an unknown field", "not_json", own[:-1] + b', "more": "\xff"}')
    yield bad(group, "UTF-16", "not_json", json.dumps(CLICK).encode("utf-16"))
    yield bad(group, "a BOM", "not_json", b"\xef\xbb\xbf" + own)
    yield bad(group, "a NUL after the event", "not_json", own + b"\0")
    yield bad(group, "only NULs", "not_json", bytes(100))
    yield bad(group, "a lone surrogate", "not_json", swapped('"u"', b'"\\ud800"'))
    yield bad(group, "100,000 nested brackets", "too_deep", deep)
    yield bad(
        group,
        "65 nested brackets in an unknown field",
        "too_deep",
        own[:-1] + b', "x": ' + b"[" * 64 + b"]" * 64 + b"}",
    )
    yield bad(group, "a 5,000-digit timestamp", "bad_timestamp", swapped(str(NOW), b"9" * 5_000))
    yield bad(group, "a 5,000-digit value", "wrong_type", own[:-1] + b', "value": ' + b"9" * 5_000 + b"}")
    yield bad(
        group, "a 5,000-digit number in context", "wrong_type", own[:-1] + b', "context": {"a": ' + b"9" * 5_000 + b"}}"
    )
    yield bad(group, "`NaN`", "not_json", own[:-1] + b', "value": NaN}')
    yield bad(group, "`Infinity`", "not_json", own[:-1] + b', "value": Infinity}')
    yield bad(group, "`1e999`", "wrong_type", own[:-1] + b', "value": 1e999}')
    yield bad(group, "`1e999` for a timestamp", "bad_timestamp", swapped(str(NOW), b"1e999"))
    yield bad(group, "pickled data", "not_json", pickle.dumps(CLICK))
    yield bad(group, "gzip in the value", "not_json", gzip.compress(own, mtime=0))
    yield bad(group, "a compression bomb in the value", "not_json", gzip.compress(bytes(BIG), mtime=0))
    yield bad(group, "a 10 MB body", "too_large", own[:-1] + b', "context": {"a": "' + b"x" * BIG + b'"}}')
    yield bad(group, "a 10 MB envelope", "too_large", b"[" + own + b"," + b" " * BIG + own + b"]")
    yield bad(group, "10 MB of brackets", "too_large", b"[" * BIG)
    yield bad(group, "501 events in an envelope", "too_large", b"[" + b",".join([own] * 501) + b"]")
    yield bad(group, "a million empty elements", "too_large", b"[" + b"0," * 1_000_000 + b"0]")
    yield good(group, "white space around", b"  " + own + b"\r\n")
    yield good(group, "unknown fields", changed(CLICK, unknown={"more": [1]}, x=None))
    yield good(group, "duplicate keys: the last one counts", own[:-1] + b', "item_id": "i10"}')


def _shape() -> Iterator[Case]:
    group = "Shape"
    for field in ("user_id", "item_id", "type"):
        yield bad(group, f"no {field}", "missing_field", changed(CLICK, **{field: ...}))
        yield bad(group, f"{field} is null", "missing_field", changed(CLICK, **{field: None}))
        yield bad(group, f"{field} is a number", "wrong_type", changed(CLICK, **{field: 7}))
        yield bad(group, f"{field} is true", "wrong_type", changed(CLICK, **{field: True}))
    for field in ("user_id", "item_id", "event_id"):
        yield bad(group, f"{field} is empty", "bad_id", changed(CLICK, **{field: ""}))
        yield bad(group, f"{field} has 257 bytes", "bad_id", changed(CLICK, **{field: "é" * 128 + "x"}))
        yield bad(group, f"{field} has a newline", "bad_id", changed(CLICK, **{field: "a\nb"}))
        yield bad(group, f"{field} has a NUL", "bad_id", changed(CLICK, **{field: "a\0b"}))
    yield bad(group, "item_id of 1 MB", "too_large", changed(CLICK, item_id="x" * 1_000_000))
    yield bad(group, "item_id of 900 kB", "bad_id", changed(CLICK, item_id="x" * 900_000))
    yield bad(group, "no timestamp", "missing_field", changed(CLICK, timestamp=...))
    for name, timestamp in (("null", None), ('"5"', "5"), ("true", True), ("1.5", 1.5), ("1.0", 1.0)):
        yield bad(group, f"timestamp is {name}", "bad_timestamp", changed(CLICK, timestamp=timestamp))
    yield bad(group, 'value is "5"', "wrong_type", changed(CLICK, value="5"))
    yield bad(group, "value is true", "wrong_type", changed(CLICK, value=True))
    yield bad(group, "context is an array", "wrong_type", changed(CLICK, context=[]))
    yield bad(group, "items is null inside", "wrong_type", changed(CLICK, items=[None]))
    yield bad(group, "101 shown items", "too_large", changed(CLICK, items=["a"] * 101))
    yield bad(group, "an impression of nothing", "missing_field", changed(CLICK, type="impression", item_id=...))
    yield bad(group, "an unknown type", "unknown_type", changed(CLICK, type="ogle"))
    yield bad(group, "a type in capitals", "unknown_type", changed(CLICK, type="CLICK"))
    yield bad(group, "in another partition than its user's", "wrong_partition", changed(CLICK, user_id=elsewhere()))
    for name, identity in (
        ("`:`, `{}` and `*`", "i:{u1}*"), ("a right-to-left mark", "i\u200f9"), ("emoji", "🎬👩‍👩‍👧"),
        ("a composed accent", "é"), ("a decomposed accent", "e\u0301"), ("a space", " i9 "),
        ("256 bytes", "é" * 128), ("a path", "../../etc/passwd"), ("a format string", "%s%n{0}"),
    ):  # fmt: skip
        yield good(group, f"item_id with {name}", changed(CLICK, item_id=identity))
    yield good(group, "a key that differs from the body: the partition decides", changed(CLICK), key=b"another")
    yield good(group, "a key that is no UTF-8", changed(CLICK), key=b"\xff\xfe")
    yield good(group, "event_id, value, context null: absent", changed(CLICK, event_id=None, value=None, context=None))
    yield good(group, "an impression with its list", changed(CLICK, type="impression", item_id=..., items=["a", "b"]))


def _meaning() -> Iterator[Case]:
    group = "Meaning"
    own = changed(CLICK)
    yield good(group, "a click on an unknown item", changed(CLICK, item_id="no item has this id"))
    yield good(group, "time 1", changed(CLICK, timestamp=1))
    yield good(group, "year 9999", changed(CLICK, timestamp=253_402_300_799_999))
    yield bad(group, "time zero", "bad_timestamp", changed(CLICK, timestamp=0))
    yield bad(group, "negative time", "bad_timestamp", changed(CLICK, timestamp=-1))
    yield bad(group, "year 10000", "bad_timestamp", changed(CLICK, timestamp=253_402_300_800_000))
    yield bad(group, "a rating without a value", "bad_value", changed(CLICK, type="rating"))
    yield bad(group, "a rating outside its scale", "bad_value", changed(CLICK, type="rating", value=6))
    yield bad(group, "a scale upside down", "bad_value", changed(CLICK, type="rating", value=3, scale=[5, 1]))
    yield bad(group, "a scale of one number", "bad_value", changed(CLICK, type="rating", value=3, scale=[5]))
    huge = 1.7e308
    yield bad(
        group,
        "a scale wider than a number",
        "bad_value",
        changed(CLICK, type="rating", value=huge, scale=[-huge, huge]),
    )
    yield good(group, "a rating on its own scale", changed(CLICK, type="rating", value=7, scale=[0, 10]))
    yield good(group, "an envelope of one", b"[" + own + b"]")
    for name, reason, element in (
        ("with an unknown type", "unknown_type", changed(CLICK, type="ogle")), ("that is a number", "not_object", b"7"),
        ("that is too deep", "too_deep", b"[" * 2_000 + b"]" * 2_000),
        ("with NaN", "not_json", own[:-1] + b', "value": NaN}'),
        ("with a lone surrogate", "not_json", swapped('"u"', b'"\\ud800"')),
        ("with bad UTF-8", "not_json", swapped('"u"', b'"\xff"')),
        ("of 1 MB", "too_large", changed(CLICK, item_id="x" * 1_000_000)), ("that is nothing", "empty", b""),
        ("of another partition", "wrong_partition", changed(CLICK, user_id=elsewhere())),
    ):  # fmt: skip
        values = b"[" + own + b"," + element + b"," + changed(CLICK, item_id="i10") + b"]"
        yield Case(group, f"an envelope with one event {name}", (values,), 2, ((1, reason),))
    yield Case(
        group,
        "the same event_id twice: the first one counts",
        (changed(CLICK, event_id="e1", item_id="i1"), changed(CLICK, event_id="e1")),
        1,
    )


def _items() -> Iterator[Case]:
    group = "Items"
    more: dict[str, Any] = {"topic": "items", "key": ITEM.encode(), "home": ITEM}
    thing = changed(THING)
    yield good(group, "removed twice", thing, None, None, **more)
    yield good(group, "removed by `null`, then by no bytes", thing, b"null", b"", **more)
    yield good(group, "removed before it was announced", None, **more)
    yield good(group, "changed after removal: lives again", thing, None, thing, **more)
    yield good(group, "text of 1 MB without a space", changed(THING, text="x" * 990_000), **more)
    yield good(group, "only emoji", changed(THING, title="🎬" * 40), **more)
    yield good(group, "1,000 tags", changed(THING, tags=[f"t{n}" for n in range(1_000)]), **more)
    yield good(group, "year 9999", changed(THING, timestamp=253_402_300_799_999), **more)
    yield good(group, "a number of 70 bits in attributes", changed(THING, attributes={"a": 2**70}), **more)
    yield bad(group, "10,000 tags", "too_large", changed(THING, tags=[f"t{n}" for n in range(10_000)]), **more)
    yield bad(group, "empty title", "missing_field", changed(THING, title=""), **more)
    yield bad(group, "no title, no text", "missing_field", changed(THING, title=...), **more)
    yield bad(group, "no item_id", "missing_field", changed(THING, item_id=...), **more)
    yield bad(group, "item_id is empty", "bad_id", changed(THING, item_id=""), **more)
    yield bad(group, "time zero", "bad_timestamp", changed(THING, timestamp=0), **more)
    yield bad(group, "expires_at in words", "bad_timestamp", changed(THING, expires_at="tomorrow"), **more)
    yield bad(group, "title is a number", "wrong_type", changed(THING, title=7), **more)
    yield bad(group, "tags is null", "wrong_type", changed(THING, tags=None), **more)
    yield bad(group, "available in words", "wrong_type", changed(THING, available="yes"), **more)
    yield bad(
        group,
        "900 nested brackets in attributes",
        "too_deep",
        thing[:-1] + b', "attributes": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}",
        **more,
    )
    yield bad(group, "an array", "not_object", b"[]", **more)
    yield bad(group, "10 MB", "too_large", changed(THING, text="x" * BIG), **more)
    yield bad(group, "a key that differs from the body", "key_mismatch", thing, **{**more, "key": b"another"})
    yield bad(group, "neither key nor value (Kafka refuses it already)", "empty", None, **{**more, "key": None})
    yield bad(group, "a removal whose key is no UTF-8", "bad_id", None, **{**more, "key": b"\xff"})
    yield bad(group, "in another partition than its own", "wrong_partition", thing, **{**more, "home": elsewhere(ITEM)})


def _others() -> Iterator[Case]:
    more: dict[str, Any] = {"topic": "profiles"}
    group = "Profiles"
    yield good(group, "removed, announced, removed", None, changed(PROFILE, text="喜剧"), b"null", **more)
    yield bad(group, "not JSON", "not_json", b"\xff", **more)
    yield bad(group, "no user_id", "missing_field", changed(PROFILE, user_id=...), **more)
    yield bad(group, "time in words", "bad_timestamp", changed(PROFILE, timestamp="now"), **more)
    yield bad(group, "same_as is a string", "wrong_type", changed(PROFILE, same_as="cookie"), **more)
    yield bad(group, "same_as with an empty id", "bad_id", changed(PROFILE, same_as=[""]), **more)
    yield bad(
        group, "a key that differs from the body", "key_mismatch", changed(PROFILE), **{**more, "key": b"another"}
    )
    more = {"topic": "forgets", "key": b"nobody", "home": "nobody"}
    group = "Forgets"
    yield good(group, "somebody who was never there", changed(FORGET), **more)
    yield bad(group, "no value", "empty", None, **more)
    yield bad(group, "no timestamp", "missing_field", changed(FORGET, timestamp=...), **more)
    yield bad(group, "user_id is empty", "bad_id", changed(FORGET, user_id=""), **more)
    yield bad(group, "an array", "not_object", b"[" + changed(FORGET) + b"]", **more)


def elsewhere(identity: str = USER, partitions: int = 4) -> str:
    """An id whose partition is another one."""
    here = partition_of(identity, partitions)
    return next(name for n in range(1_000) if partition_of(name := f"stray{n}", partitions) != here)
