"""`learn_many` is the loop of `learn_one`, bit for bit, for any events and any cuts."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.base import Event
from online_models.registry import make
from tests.property.examples import share
from tests.property.logs import ITEM, ITEMS, TIMES, USER, short_or_long

KINDS = st.sampled_from([None, "view", "click", "like", "purchase", "dislike", "hide"])
WEIGHTS = st.sampled_from([-1.0, 0.0, 0.2, 1.0, 2.0, 3.0, 1 / 3])


def _event(user: str, item: str | int, weight: float, at: int | None, kind: str | None) -> Event:
    x: dict[str, Any] = {name: value for name, value in (("timestamp", at), ("type", kind)) if value is not None}
    return user, item, weight, x


EVENTS = short_or_long(st.builds(_event, USER, ITEM | st.integers(0, 3), WEIGHTS, st.none() | TIMES, KINDS))


@pytest.mark.parametrize("name", ["default", "item_item", "popularity", "decayed_popularity"])
def test_learn_many_is_the_loop_of_learn_one(name: str) -> None:
    @share(5 if name == "default" else 1)
    @given(EVENTS, st.lists(st.integers(0, 30), max_size=4))
    def same(events: Sequence[Event], cuts: list[int]) -> None:
        loop, many = make(name), make(name)
        for user, item, weight, x in events:
            loop.learn_one(user, item, weight, x)
        for begin, end in itertools.pairwise([0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]):
            many.learn_many(events[begin:end])
        assert many.save() == loop.save()
        assert many.recommend("u1", len(ITEMS)) == loop.recommend("u1", len(ITEMS))

    same()
