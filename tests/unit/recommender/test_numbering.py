"""Numbers, ties and the best of many."""

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
