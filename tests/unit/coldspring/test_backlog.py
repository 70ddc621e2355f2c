"""Unread bytes, rates, and waiting until a log was read."""

import pytest

from coldspring.backlog import Backlog, Pace
from coldspring.errors import CommandError
from coldspring.live_state import wait_until_read


def test_a_full_partition_is_waited_for() -> None:
    position = [10]
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        position[0] += 1

    backlog = Backlog(lambda: {"interactions": position}, {"interactions": [10]}, room=100, sleep=sleep)
    for _ in range(3):
        backlog.sent("interactions", 0, 60)
        backlog.wait_for_room()
    assert len(waits) > 0
    assert backlog.unread() <= 100
    backlog.sent("elsewhere", 0, 10**9)
    assert backlog.unread() <= 100


def test_a_pace_is_kept_and_catches_up_for_a_second_at_most() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(10, clock=lambda: now[0], sleep=sleep)
    for _ in range(20):
        pace.wait()
    assert now[0] == pytest.approx(2.0, abs=0.11)
    now[0] += 60
    for _ in range(15):
        pace.wait()
    assert now[0] == pytest.approx(62.5, abs=0.11)


def test_a_log_that_nobody_reads_is_told() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    wait_until_read(lambda: {"items": [3, 4]}, {"items": [3, 2]}, clock=clock)
    with pytest.raises(CommandError, match="is one running"):
        wait_until_read(lambda: {"items": [1]}, {"items": [3]}, clock=clock, timeout_s=3.0)
