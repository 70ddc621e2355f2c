"""Crash points: at which moment, how often, and nothing at all where none is set."""

import pytest

from coldspring.crash_points import CRASH_AT, from_environment, nothing


def test_the_process_ends_the_nth_time_it_comes_there() -> None:
    ended: list[str] = []
    reached = from_environment({CRASH_AT: "a.after:3, b.before"}, lambda: ended.append("end"))
    reached("a.after")
    reached("a.before")
    reached("a.after")
    assert ended == []
    reached("a.after")
    assert ended == ["end"]
    reached("b.before")
    assert len(ended) == 2


def test_without_the_variable_nothing_is_watched() -> None:
    assert from_environment({}) is nothing
    assert from_environment({CRASH_AT: ""}) is nothing


@pytest.mark.parametrize("told", ["a:0", "a:-1", "a:x"])
def test_a_count_that_is_none_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=CRASH_AT):
        from_environment({CRASH_AT: told})
