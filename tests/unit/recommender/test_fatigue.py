"""What was shown lately, and what it costs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.events import Interaction
from recommender.fatigue import (
    HALF_LIFE_MS,
    ITEMS,
    LISTS,
    TOGETHER_MS,
    ShownLists,
    decode_shown,
    marks_of,
    price,
    take,
    wear,
)
from recommender.numbering import Numbering

HOUR = 3_600_000


def worn(shown: ShownLists, item: str, now: int) -> float:
    return float(wear(shown, marks_of([item]), now)[0])


def test_marks_are_those_of_the_numbering() -> None:
    numbering = Numbering()
    numbering.number("i9")
    assert marks_of(["i9"]).tolist() == numbering.tie.tolist()


def test_it_wears_off_with_time_and_with_every_list() -> None:
    shown = ShownLists().add(HOUR, ["a"], "r1").add(HOUR, ["b"], "r2")
    assert [worn(shown, item, HOUR) for item in "abc"] == [0.25, 1.0, 0.0]
    assert worn(shown, "b", HOUR + HALF_LIFE_MS) == pytest.approx(0.5)
    assert worn(shown, "b", HOUR + 10 * HALF_LIFE_MS) < 0.001
    assert worn(shown, "b", 1) == 1.0, "a clock behind the client's is no reason to forget"
    assert worn(shown.add(2 * HOUR, ["a"], "r3"), "a", 2 * HOUR) == 1.0


def test_items_seen_one_by_one_are_one_list() -> None:
    def seen(item: str, when: int, request: str | None = None) -> Interaction:
        return Interaction("u", "impression", when, item, request_id=request)

    click = Interaction("u", "click", 6, "a")
    shown = take(ShownLists(), [seen("a", 5), click, seen("b", 5 + TOGETHER_MS), seen("c", HOUR)])
    assert [len(one.marks) for one in shown.lists] == [1, 2]
    shown = take(ShownLists(), [seen("a", 5, "r1"), seen("b", HOUR, "r1"), seen("c", HOUR, "r2")])
    assert [len(one.marks) for one in shown.lists] == [1, 2]
    assert [worn(shown, item, HOUR) for item in "abc"] == [0.25, 0.25, 1.0]
    whole = Interaction("u", "impression", 9, items=["a", "b", "a"], request_id="r9")
    assert len(take(ShownLists(), [whole, whole]).lists[0].marks) == 2


LISTS_SHOWN = st.lists(
    st.tuples(st.integers(1, 10**12), st.lists(st.text(max_size=3), min_size=1, max_size=120), st.none() | st.text()),
    max_size=9,
)


@given(LISTS_SHOWN)
def test_what_is_kept_is_bounded_and_comes_back_as_it_was(lists: list[tuple[int, list[str], str | None]]) -> None:
    shown = ShownLists()
    for when, items, request in lists:
        shown = shown.add(when, items, request)
    assert ShownLists.decode(shown.encode()) == shown
    assert len(shown.lists) <= LISTS
    assert sum(len(one.marks) for one in shown.lists) <= ITEMS


@pytest.mark.parametrize("data", [b"x", b"\xff" * 13, ShownLists().add(1, ["a"]).encode()[:-1]])
def test_bytes_that_are_no_lists(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - numpy's own words in one case
        ShownLists.decode(data)
    assert decode_shown(data) == decode_shown(None) == ShownLists()


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=60), st.integers(1, 10), st.integers(1, 6))
def test_nothing_comes_again_before_everything_else_and_never_from_further_down(
    values: list[float], n: int, lists: int
) -> None:
    total = np.array(values)
    ids = [f"i{at:03}" for at in range(len(values))]
    ranks = {ids[at]: rank for rank, at in enumerate(sorted(range(len(ids)), key=lambda at: (-total[at], ids[at])))}
    shown, before = ShownLists(), set[str]()
    for request in range(lists):
        so_far = sum(len(one.marks) for one in shown.lists)
        left = total - price(wear(shown, marks_of(ids), 5), total, 1.0)
        made = [ids[at] for at in sorted(range(len(ids)), key=lambda at: (-left[at], ids[at]))[:n]]
        assert len(before & set(made)) == max(0, len(made) - (len(ids) - len(before)))
        assert max(ranks[name] for name in made) < n + so_far
        before, shown = set(made), shown.add(5, made, f"r{request}")
