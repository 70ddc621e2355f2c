"""Sums over partitions, taken in step by step, are the sums made at once; one clock decays them all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.kernels import HALF_LIVES_MS
from online_models.partition_state import PartitionState
from recommender.events import MAX_TIMESTAMP, Interaction
from recommender.partitioning import partition_of
from serving.views.memory import MemoryReadModel

DAY = 86_400_000
EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 60), st.booleans()), min_size=1, max_size=60
)


def learn(states: list[PartitionState], user: str, item: str, at: int) -> None:
    event = Interaction(user_id=user, item_id=item, type="click", timestamp=at)
    states[partition_of(user, len(states))].fold([event])


@settings(max_examples=30, deadline=None)
@given(EVENTS)
def test_in_steps_or_at_once(events: list[tuple[int, int, int, bool]]) -> None:
    states = [PartitionState() for _ in range(3)]
    stepwise = MemoryReadModel(states)
    for user, item, day, look in events:
        learn(states, f"u{user}", f"i{item}", 1 + day * DAY)
        if look:
            stepwise.refresh()
    stepwise.refresh()
    at_once = MemoryReadModel(states)
    at_once.refresh()
    for name in at_once.numbering.ids:
        one, other = (model.numbering.found([name]) for model in (stepwise, at_once))
        assert stepwise.counts.count[one] == at_once.counts.count[other]
        assert stepwise.counts.events[one] == at_once.counts.events[other]
        assert stepwise.counts.last[one] == at_once.counts.last[other]
        assert stepwise.counts.trends(np.array(one)) == pytest.approx(at_once.counts.trends(np.array(other)), rel=1e-6)


def test_popularity_halves_with_each_half_life_of_another_partitions_clock() -> None:
    states = [PartitionState(), PartitionState()]
    model = MemoryReadModel(states)
    users = {partition_of(f"u{n}", 2): f"u{n}" for n in range(20)}
    learn(states, users[0], "a", DAY)
    learn(states, users[1], "b", 8 * DAY)
    model.refresh()
    a = np.array(model.numbering.found(["a"]))
    assert model.counts.clock == 8 * DAY
    assert model.counts.trends(a)[0] == pytest.approx(2.0 ** (-7 * DAY / HALF_LIVES_MS))


def test_one_wrong_clock_does_no_lasting_harm() -> None:
    states = [PartitionState()]
    model = MemoryReadModel(states)
    for n in range(20):
        learn(states, f"u{n}", "a", DAY + n)
    learn(states, "liar", "b", MAX_TIMESTAMP)
    model.refresh()
    trends = model.counts.trends(np.array(model.numbering.found(["a", "b"])))
    assert trends[0] == pytest.approx([20.0] * 4, rel=1e-3)
    assert (trends[1] <= 1.0).all()
