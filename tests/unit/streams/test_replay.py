"""The digest of a direct replay: what it depends on, and what not."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.topics import Topics
from streams.replay import DirectReplay

Line = tuple[str, str, bytes | None]


def line(kind: str, identity: str, **fields: Any) -> Line:
    key = "item_id" if kind == "item" else "user_id"
    return kind, identity, json.dumps({key: identity, "timestamp": 1_000, **fields}).encode()


def click(user: str, item: str, at: int = 1_000, **more: Any) -> Line:
    return line("interaction", user, item_id=item, **{"timestamp": at, "type": "click", **more})


def replayed(lines: list[Line], batch: int = 500, partitions: int = 4) -> DirectReplay:
    engine = DirectReplay(Topics(partitions=partitions), batch=batch)
    for kind, identity, value in lines:
        engine.feed(kind, identity, value)
    engine.flush()
    return engine


def some_log(seed: int, length: int = 300) -> list[Line]:
    rng = random.Random(seed)
    lines: list[Line] = []
    for n in range(length):
        user, item = f"u{rng.randrange(12)}", f"i{rng.randrange(20)}"
        kind = rng.choices(["click", "item", "profile", "removal"], [20, 3, 2, 1])[0]
        if kind == "click":
            types = ["view", "click", "like", "dislike", "hide"]
            lines.append(click(user, item, at=1_000 + n, event_id=f"e{n}", type=rng.choice(types)))
        elif kind == "item":
            lines.append(line("item", item, title=f"title {n}"))
        elif kind == "profile":
            lines.append(line("profile", user, text=f"text {n}"))
        else:
            lines.append(("item", item, None))
    return lines


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80), st.randoms(use_true_random=False))
def test_cuts_and_the_order_between_partitions_and_topics_change_nothing(
    seed: int, batch: int, shuffle: random.Random
) -> None:
    lines = some_log(seed)
    topics: dict[str, list[Line]] = {}
    for entry in lines:
        topics.setdefault(entry[0], []).append(entry)
    mixed: list[Line] = []
    while any(topics.values()):
        mixed.append(topics[shuffle.choice([name for name, left in topics.items() if left])].pop(0))
    assert replayed(mixed, batch).digest() == replayed(lines).digest()


def test_repeats_and_bad_events_change_nothing_and_are_counted() -> None:
    lines = some_log(1)
    once = replayed(lines)
    clicks = [entry for entry in lines if entry[0] == "interaction"]
    again = replayed([*lines, *clicks, ("interaction", "u1", b"{"), ("interaction", "u1", b"[]")])
    assert again.digest() == once.digest()
    assert again.counts()["duplicates"] == len(clicks)
    assert again.counts()["dead_letters"] == 2
    assert [d.reason for d in again.dead] == ["not_json", "empty"]


@pytest.mark.parametrize(
    "more",
    [
        click("u1", "i1", at=9_000),
        click("new", "i1"),
        line("item", "i-new", title="new"),
        line("profile", "u1", text="other"),
        ("profile", "u1", None),
    ],
)
def test_every_kind_of_event_is_in_the_digest(more: Line) -> None:
    lines = [*some_log(2), line("profile", "u1", text="mine")]
    assert replayed([*lines, more]).digest() != replayed(lines).digest()


def test_the_partition_count_is_part_of_the_state() -> None:
    lines = some_log(3)
    assert replayed(lines, partitions=4).digest() != replayed(lines, partitions=2).digest()


def test_an_envelope_is_its_events() -> None:
    clicks = [click("u1", f"i{n}", at=n + 1) for n in range(5)]
    envelope = b"[" + b",".join(value for _, _, value in clicks if value) + b"]"
    assert replayed([("interaction", "u1", envelope)]).digest() == replayed(clicks).digest()


def test_an_envelope_with_one_bad_event_loses_only_that() -> None:
    values = [click("u1", "a")[2], b'{"user_id":"u1"}', click("u1", "b")[2]]
    engine = replayed([("interaction", "u1", b"[" + b",".join(v for v in values if v) + b"]")])
    assert engine.counts() == {"applied": 2, "duplicates": 0, "dead_letters": 1}
    assert (engine.dead[0].index, engine.dead[0].value) == (1, b'{"user_id":"u1"}')


def test_an_event_in_a_foreign_partition_is_set_aside() -> None:
    users = [f"u{n}" for n in range(40)]
    events = [json.loads(click(user, "i")[2] or b"") for user in users]
    engine = replayed([("interaction", "u1", json.dumps(events).encode())])
    assert {d.reason for d in engine.dead} == {"wrong_partition"}
    assert engine.counts()["applied"] + len(engine.dead) == 40


def test_a_removed_item_lives_again_when_announced_again() -> None:
    first, second = line("item", "i", title="one"), line("item", "i", title="two")
    assert replayed([first, ("item", "i", None), second]).digest() == replayed([second]).digest()
    assert replayed([first, ("item", "i", None)]).live_items() == {}


def test_known_digest_of_a_small_log() -> None:
    """A change of this value breaks every stored state: raise `recommender.head.FORMAT` with it."""
    assert replayed(some_log(7)).digest() == KNOWN


KNOWN = "sha256:37bf55c7f2ef57f5dbf0e03057480695a99f30e2da885dc53ec03be638dff717"
