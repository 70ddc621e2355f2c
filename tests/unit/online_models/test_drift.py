"""The alarm for a hit rate that drops: it comes when it must, and not when it need not."""

import random
from collections.abc import Iterable

import pytest

from online_models.drift import Drop, DropAlarm

SEEDS = range(5)


def stream(seed: int, *stretches: tuple[int, float]) -> list[bool]:
    chance = random.Random(seed)
    return [chance.random() < rate for length, rate in stretches for _ in range(length)]


def drops(alarm: DropAlarm, hits: Iterable[bool]) -> list[Drop]:
    return [drop for hit in hits if (drop := alarm.update(hit)) is not None]


@pytest.mark.parametrize(("before", "after", "within"), [(0.2, 0.02, 300), (0.3, 0.1, 400), (0.5, 0.2, 200)])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_planted_drop_raises_it_in_time(seed: int, before: float, after: float, within: int) -> None:
    alarm = DropAlarm()
    assert drops(alarm, stream(seed, (3_000, before))) == []
    [drop] = drops(alarm, stream(seed + 100, (within, after)))
    assert abs(drop.before - before) < 0.05
    assert abs(drop.after - after) < 0.1
    assert abs(drop.began - 3_000) < 60
    assert alarm.raised


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_stationary_stream_raises_none(seed: int, rate: float) -> None:
    assert drops(DropAlarm(), stream(seed, (20_000, rate))) == []


def test_a_rate_that_rises_raises_none() -> None:
    alarm = DropAlarm()
    assert drops(alarm, stream(1, (2_000, 0.02), (2_000, 0.1), (2_000, 0.3), (2_000, 0.6))) == []
    assert not alarm.raised


def test_it_ends_when_the_rate_is_back() -> None:
    alarm = DropAlarm()
    [drop] = drops(alarm, stream(2, (2_000, 0.3), (600, 0.05)))
    drops(alarm, stream(3, (1_000, 0.32)))
    assert not alarm.raised
    assert alarm.ended is not None
    assert 2_600 < alarm.ended < 3_600
    assert alarm.last == drop
    [again] = drops(alarm, stream(4, (600, 0.05)))
    assert again.noticed > 3_600
    assert alarm.ended is None


def test_it_ends_when_it_has_long_been_so() -> None:
    alarm = DropAlarm(lasting=1_000)
    [drop] = drops(alarm, stream(5, (2_000, 0.3), (3_000, 0.1)))
    assert alarm.ended == drop.noticed + 1_000


def test_a_restart_keeps_the_alarm_and_what_it_compares_with() -> None:
    before, after = DropAlarm(), DropAlarm()
    [drop] = drops(before, stream(6, (2_000, 0.4), (300, 0.1)))
    after.restore(before.state())
    assert (after.raised, after.last, after.drops, after.told) == (True, drop, 1, 2_300)
    drops(after, stream(7, (2_000, 0.4)))
    assert not after.raised
    later = DropAlarm()
    later.restore(after.state())
    assert len(drops(later, stream(8, (400, 0.1)))) == 1
