"""The partition's clock: many times at once are as many one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.event_clock import HORIZON_MS, REACH_MS, EventClock

NOW = 1_700_000_000_000
TIMES = st.one_of(
    st.integers(NOW, NOW + 10),
    st.integers(NOW - REACH_MS, NOW + 2 * REACH_MS),
    st.integers(NOW - HORIZON_MS, NOW + 2 * HORIZON_MS),
    st.integers(1, 253_402_300_799_999),
)


@settings(deadline=None)
@given(st.lists(TIMES, max_size=3 * EventClock.WINDOW), st.lists(TIMES, max_size=3 * EventClock.WINDOW))
def test_many_ticks_are_the_loop_of_ticks(before: list[int], times: list[int]) -> None:
    loop, many = EventClock(before), EventClock(before)
    told = [(time, loop.tick(time), loop.horizon) for time in times]
    assert [tuple(column) for column in many.ticks(times).T.tolist()] == told
    assert (many.times, many.now, many.horizon) == (loop.times, loop.now, loop.horizon)
    # and it goes on from there
    assert many.tick(NOW + 5) == loop.tick(NOW + 5)
