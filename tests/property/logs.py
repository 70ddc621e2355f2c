"""Small nasty event logs, for Hypothesis: every kind of event, odd ids, wild clocks, repeats, envelopes, rubbish."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from recommender.partitioning import partition_of

PARTITIONS = 2
"""Of each topic."""
USERS = ("u1", "u5", "用户", "d", "e\u0301", "x:{1}*")
ITEMS = ("i1", "i2", "\u0130", "片", "i:{u0}", "I1")
MAX_TIME = 253_402_300_799_999
DAY = 86_400_000
NOW = 1_700_000_000_000
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a log.

    `identity` is its key and decides its partition. `good` holds what its value has of events that fit, `bad` counts
    the rest; a value of None removes an item or a profile.
    """

    kind: str
    identity: str
    value: bytes | None
    good: tuple[bytes, ...] = ()
    bad: int = 0

    @property
    def partition(self) -> int:
        """Where its producer puts it."""
        return partition_of(self.identity, PARTITIONS)

    @property
    def is_interaction(self) -> bool:
        """Whether it is of the topic that is counted."""
        return self.kind == "interaction"


def packed(identity: str, elements: Sequence[bytes]) -> Line:
    """A record of interactions of one partition: an envelope, unless it is one event."""
    value = elements[0] if len(elements) == 1 else b"[" + b",".join(elements) + b"]"
    return Line("interaction", identity, value, tuple(elements))


def without_bad(lines: Iterable[Line]) -> list[Line]:
    """The log as it would be if nobody had written rubbish."""
    cleaned = []
    for line in lines:
        if line.bad and line.good:
            cleaned.append(packed(line.identity, line.good))
        elif not line.bad:
            cleaned.append(line)
    return cleaned


def with_event_ids(lines: Iterable[Line]) -> list[Line]:
    """The log with an event_id of its own for every interaction that had none."""
    named: list[Line] = []
    for n, line in enumerate(lines):
        if not line.is_interaction or not line.good:
            named.append(line)
            continue
        events = [json.loads(value) for value in line.good]
        values = [json.dumps({**e, "event_id": e.get("event_id") or f"own {n}.{k}"}) for k, e in enumerate(events)]
        named.append(replace(packed(line.identity, [value.encode() for value in values]), bad=0))
    return named


def without_forgotten(lines: Iterable[Line]) -> list[Line]:
    """The log without the events that its forgets name, and without the forgets."""
    lines = list(lines)
    until = _forgotten_until(lines)

    def stays(value: bytes) -> bool:
        event = json.loads(value)
        return bool(event["timestamp"] > until.get(event["user_id"], 0))

    kept = []
    for line in lines:
        if line.kind == "item" or not line.good:
            kept.append(line)
        elif line.kind != "forget" and (left := [value for value in line.good if stays(value)]):
            kept.append(packed(line.identity, left) if line.is_interaction else line)
    return kept


def _forgotten_until(lines: Iterable[Line]) -> dict[str, int]:
    """By user, up to when; who is the same person as somebody forgotten is forgotten too."""
    events = [(line.kind, json.loads(value)) for line in lines for value in line.good]
    forgets = [(event["user_id"], event["timestamp"]) for kind, event in events if kind == "forget"]
    until: dict[str, int] = {}
    while forgets:
        user, at = forgets.pop()
        if at <= until.get(user, 0):
            continue
        until[user] = at
        profiles = [event for kind, event in events if kind == "profile" and event["user_id"] == user]
        forgets += [(alias, at) for profile in profiles if profile["timestamp"] <= at for alias in profile["same_as"]]
    return until


def by_place(lines: Iterable[Line]) -> dict[tuple[str, int], list[Line]]:
    """The lines of each partition of each topic, in order."""
    places: dict[tuple[str, int], list[Line]] = {}
    for line in lines:
        places.setdefault((line.kind, line.partition), []).append(line)
    return places


def _json(**fields: Any) -> bytes:
    return json.dumps({k: v for k, v in fields.items() if v is not None}, ensure_ascii=False).encode()


TIMES = st.one_of(
    st.integers(NOW, NOW + 3 * DAY), st.sampled_from([1, 2, NOW, NOW + 1, MAX_TIME]), st.integers(1, MAX_TIME)
)
USER = st.sampled_from(USERS)
ITEM = st.sampled_from(ITEMS)
EVENT_ID = st.one_of(st.none(), st.sampled_from([f"e{n}" for n in range(8)]), st.sampled_from(["É", "E\u0301", "e:1"]))
SCALES = st.sampled_from([None, (1, 5), (0, 10), (-1e300, 1e307), (0, 5e-324), (-3, -2)])


def _rating(user: str, item: str, at: int, event_id: str | None, scale: tuple[float, float] | None, part: int) -> bytes:
    low, high = scale or (1, 5)
    value = (low, high, low if part < 5 else high, (low / 2 + high / 2), min(max(low, 0.3), high))[part % 5]
    return _json(user_id=user, item_id=item, type="rating", timestamp=at, event_id=event_id, value=value, scale=scale)


def _plain(user: str, item: str, at: int, event_id: str | None, kind: str) -> bytes:
    return _json(user_id=user, item_id=item, type=kind, timestamp=at, event_id=event_id, context={"device": item})


def _shown(user: str, items: list[str], at: int, event_id: str | None) -> bytes:
    return _json(user_id=user, items=items, type="impression", timestamp=at, event_id=event_id)


KINDS = st.sampled_from(
    ["click", "click", "view", "like", "share", "cart", "purchase", "dislike", "hide", "impression"]
)
INTERACTION = st.one_of(
    st.builds(_plain, USER, ITEM, TIMES, EVENT_ID, KINDS),
    st.builds(_plain, USER, ITEM, TIMES, EVENT_ID, KINDS),
    st.builds(_rating, USER, ITEM, TIMES, EVENT_ID, SCALES, st.integers(0, 9)),
    st.builds(_shown, USER, st.lists(ITEM, min_size=1, max_size=4), TIMES, EVENT_ID),
)
RUBBISH = st.sampled_from(
    [
        b"", b"null", b"{", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf{}", b"{}{}", b"7", b'"u1"', b"NaN", b"[" * 2_000,
        b'{"user_id":"u1","item_id":"i1","type":"click","timestamp":"5"}',
        b'{"user_id":"u1","item_id":"i1","type":"click","timestamp":0}',
        b'{"user_id":"u1","item_id":"i1","type":"click","timestamp":253402300800000}',
        b'{"user_id":"u1","item_id":"i1","type":"wave","timestamp":1}',
        b'{"user_id":"u1","item_id":"","type":"click","timestamp":1}',
        b'{"user_id":7,"item_id":"i1","type":"click","timestamp":1}',
        b'{"user_id":"u1","item_id":"i1","type":"rating","timestamp":1}',
        b'{"user_id":"u1","item_id":"i1","type":"rating","timestamp":1,"value":6}',
        b'{"user_id":"u1","item_id":"i1","type":"click","timestamp":1,"event_id":""}',
        b'{"user_id":"u1","item_id":"i1","type":"click","timestamp":1e999}',
        b'{"user_id":"u1","type":"click","timestamp":1}',
        b'{"user_id":"u1","item_id":"i1","type":"rating","timestamp":1,"value":1e308,"scale":[-1e308,1e308]}',
    ]
)  # fmt: skip
ELEMENT_RUBBISH = RUBBISH.filter(lambda value: value[:1] in (b"{", b"7", b'"') and value[-1:] in (b"}", b"7", b'"') and
                                 value != b"{}{}")  # fmt: skip


def _record(identity: str, elements: list[tuple[bytes, bool]]) -> Line:
    """One record at the partition of `identity`; events of other partitions are rubbish there."""
    partition = partition_of(identity, PARTITIONS)
    good = tuple(v for v, fits in elements if fits and partition_of(_user(v), PARTITIONS) == partition)
    line = packed(identity, [value for value, _ in elements])
    return replace(line, good=good, bad=len(elements) - len(good))


def _user(value: bytes) -> str:
    return str(json.loads(value)["user_id"])


def _single(value: bytes) -> Line:
    return packed(_user(value), [value])


FITTING = st.tuples(INTERACTION, st.just(True))
UNFIT = st.tuples(ELEMENT_RUBBISH, st.just(False))
GOOD_LINE = INTERACTION.map(_single)
ENVELOPE = st.builds(_record, USER, st.lists(FITTING | UNFIT, min_size=2, max_size=6))
BAD_LINE = st.one_of(
    st.builds(lambda user, value: Line("interaction", user, value, bad=1), USER, RUBBISH),
    st.builds(lambda user, value: _record(user, [(value, True)]), USER, INTERACTION),
    st.builds(lambda user: Line("interaction", user, b"[]", bad=1), USER),
)


def _item(item: str, at: int, title: str, price: float, available: bool) -> Line:
    value = _json(item_id=item, title=title, timestamp=at, attributes={"price": price}, available=available)
    return Line("item", item, value, (value,))


def _profile(user: str, at: int, text: str, age: int) -> Line:
    same_as = [USERS[(USERS.index(user) + age) % len(USERS)]] * (age % 2)
    value = _json(user_id=user, text=text, timestamp=at, attributes={"age": age}, same_as=same_as)
    return Line("profile", user, value, (value,))


def _forget(user: str, at: int) -> Line:
    value = _json(user_id=user, timestamp=at)
    return Line("forget", user, value, (value,))


NO_ITEM = RUBBISH.filter(lambda value: value not in (b"", b"null"))  # which would be a removal
WORDS = st.sampled_from(["one", "two", "喜欢", "\U0001f600"])
ITEM_LINE = st.one_of(
    st.builds(_item, ITEM, TIMES, WORDS, st.sampled_from([0, 9.5, 10**20, -0.0]), st.booleans()),
    st.builds(lambda item, value: Line("item", item, value), ITEM, st.sampled_from([None, b"", b"null"])),
    st.builds(lambda item, value: Line("item", item, value, bad=1), ITEM, NO_ITEM),
    st.builds(lambda item: Line("item", item, _json(item_id="other", title="t", timestamp=1), bad=1), ITEM),
)  # fmt: skip
PROFILE_LINE = st.one_of(
    st.builds(_profile, USER, TIMES, WORDS, st.integers(0, 3)),
    st.builds(lambda user, value: Line("profile", user, value), USER, st.sampled_from([None, b"", b"null"])),
    st.builds(lambda user: Line("profile", user, b'{"user_id":"u1"}', bad=1), USER),
)
FORGET_LINE = st.one_of(
    st.builds(_forget, USER, TIMES),
    st.builds(lambda user: Line("forget", user, None, bad=1), USER),
)
CLEAN_LINES = st.one_of(GOOD_LINE, GOOD_LINE, GOOD_LINE, ENVELOPE, ITEM_LINE, PROFILE_LINE)


def short_or_long(elements: st.SearchStrategy[E], most: int = 30) -> st.SearchStrategy[list[E]]:
    """Lists, the half of them long: by itself Hypothesis makes few of more than ten elements."""
    return st.lists(elements, max_size=6) | st.lists(elements, min_size=most // 2, max_size=most)


def logs(forgets: bool = False, most: int = 40) -> st.SearchStrategy[list[Line]]:
    """Logs of up to `most` records."""
    return short_or_long(st.one_of(CLEAN_LINES, BAD_LINE, *[FORGET_LINE] * forgets), most)
