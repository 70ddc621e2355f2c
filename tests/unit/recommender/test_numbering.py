"""Numbers, ties and the best of many."""

import contextlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.numbering import Numbering, best


def test_asking_leaves_no_trace() -> None:
    numbering = Numbering()
    numbering.number("a")
    assert numbering.find("b") is None
    assert len(numbering) == 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2**60)), max_size=60), st.integers(0, 70))
def test_best_is_the_head_of_the_full_order(pairs: list[tuple[int, int]], k: int) -> None:
    values = np.array([float(value) if value else -np.inf for value, _ in pairs])
    tie = np.array([tie for _, tie in pairs], np.uint64)
    order = sorted((p for p in range(len(pairs)) if values[p] > -np.inf), key=lambda p: (-values[p], tie[p], p))
    assert best(values, tie, k).tolist() == order[:k]


def test_ties_do_not_depend_on_the_order_of_arrival() -> None:
    ids = [f"i{n}" for n in range(50)]
    lists = []
    for names in (ids, ids[::-1]):
        numbering = Numbering()
        for name in names:
            numbering.number(name)
        lists.append([numbering.ids[n] for n in best(np.ones(50), numbering.tie, 10)])
    assert lists[0] == lists[1]


def retired(*item_ids: str) -> Numbering:
    """A numbering of some items that are gone."""
    numbering = Numbering()
    for item_id in item_ids:
        numbering.number(item_id)
    numbering.retire(np.arange(len(item_ids)))
    return numbering


def test_a_retired_number_leads_nowhere_and_keeps_its_id_until_it_is_given_again() -> None:
    numbering = retired("a", "b")
    assert (numbering.find("a"), numbering.known, numbering.used.tolist()) == (None, 0, [False, False])
    assert numbering.ids == ["a", "b"]
    assert numbering.number("c") == 2
    numbering.retire(np.zeros(0, np.int64))
    assert numbering.ids[:2] == ["a", "b"]
    assert sorted(numbering.number(name) for name in "dab") == [0, 1, 3]
    assert [numbering.ids[number] for number in numbering.found("abcd")] == ["a", "b", "c", "d"]
    assert (numbering.known, len(numbering)) == (4, 4)


def test_who_comes_back_while_the_number_rests_gets_another() -> None:
    numbering = retired("a")
    assert numbering.number("a") == 1
    numbering.retire(np.zeros(0, np.int64))
    assert (numbering.find("a"), numbering.number("b")) == (1, 0)


def test_a_number_that_a_question_may_hold_is_not_given_again_before_it_ends() -> None:
    numbering = Numbering()
    numbering.number("a")
    with numbering.question():
        numbering.retire(np.array([0]))
        with numbering.question():  # it cannot have met the number
            pass
        for name in "bcd":
            numbering.retire(np.zeros(0, np.int64))
            assert numbering.number(name) != 0
            assert numbering.ids[0] == "a"
    with numbering.question():
        numbering.retire(np.zeros(0, np.int64))
        assert numbering.number("e") == 0


def test_a_question_that_fails_has_ended() -> None:
    numbering = Numbering()
    numbering.number("a")
    with contextlib.suppress(ZeroDivisionError), numbering.question():
        numbering.retire(np.array([0]))
        raise ZeroDivisionError
    numbering.retire(np.zeros(0, np.int64))
    assert numbering.number("b") == 0


def test_numbers_of_many() -> None:
    numbering = Numbering()
    numbering.number("a")
    assert numbering.numbers(["b", "a"]).tolist() == [-1, 0]
