"""The trainer's reading of `decisions`: each once, from where it ended, without those that cannot be read."""

from __future__ import annotations

import msgspec

from benchmarks.shown_lists import decision
from recommender.facts import Facts
from streams.intake import LogRecord
from streams.served_lists import ServedLists


def record(offset: int, user: str | None = "u1", value: bytes | None = None, at: int = 100) -> LogRecord:
    made = decision(f"r{offset}", user, ["a", "b"], at=at)
    return LogRecord(offset, None, msgspec.json.encode(made) if value is None else value)


def test_each_list_is_read_once_and_what_cannot_be_read_is_passed_over() -> None:
    lists = ServedLists(lambda _: 0)
    misfit = msgspec.structs.replace(decision("r3", "u1", ["a", "b"]), facts=Facts(1, [], [-1], [0.0, 0.0]))
    records = [record(0), record(1, value=b"{}"), record(2, value=b""), record(3, value=msgspec.json.encode(misfit))]
    lists.read(2, [*records, record(4)], 5)
    lists.read(2, records, 4)  # after a rebalance
    assert set(lists.choices.lists) == {"r0", "r4"}
    assert lists.next == {2: 5}


def test_lists_of_the_forgotten_are_not_taken_in() -> None:
    lists = ServedLists(lambda user: 100 if user == "gone" else 0)
    lists.read(0, [record(0, "gone"), record(1, "gone", at=101), record(2, None), record(3)], 4)
    assert set(lists.choices.lists) == {"r1", "r2", "r3"}


def test_weights_are_told_when_there_are_new_ones() -> None:
    lists = ServedLists(lambda _: 0)
    lists.read(0, [record(0), record(1)], 2)
    assert lists.weights() is None
    lists.choices.chosen("r0", "u1", "a", 1.0)
    first = lists.weights()
    assert first is not None
    assert lists.weights() is first
    lists.choices.chosen("r1", "u1", "a", 1.0)
    assert lists.weights() != first
