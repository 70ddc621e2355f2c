"""The top is what a scan would find, whatever changed in between."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.numbering import best
from recommender.top_items import TopItems

ITEMS = 40
TIE = np.random.default_rng(0).permutation(ITEMS).astype(np.uint64) << np.uint64(58)
"""Some of them larger than a signed number can be."""
CHANGES = st.lists(st.lists(st.tuples(st.integers(0, ITEMS - 1), st.integers(0, 4)), max_size=6), max_size=40)


@settings(deadline=None)
@given(CHANGES)
def test_the_order_is_that_of_a_scan(changes: list[list[tuple[int, int]]]) -> None:
    values = np.zeros(ITEMS)
    top = TopItems(lambda numbers: values[numbers], most=8)
    for changed in changes:
        for number, value in changed:
            values[number] = value
            top.note(np.array([number]))
        order = top.order(TIE)
        whole = best(np.where(values > 0.0, values, -np.inf), TIE, ITEMS)
        assert order.tolist() == whole[: len(order)].tolist()
        assert len(order) >= min(4, len(whole))
        if top.complete:
            assert len(order) == len(whole)
