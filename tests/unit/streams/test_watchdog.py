"""When a worker stands still, and when it only waits. The clock is cranked by hand."""

import pytest
from faust.types import TP

from streams.watchdog import NoProgressError, Progress

A, B = TP("interactions", 0), TP("interactions", 1)


def test_records_and_no_progress_end_it_after_the_limit() -> None:
    progress = Progress(30)
    progress.look({A: 5, B: 3}, {A: 9, B: 3}, 0)
    progress.look({A: 5, B: 3}, {A: 9, B: 3}, 29)
    with pytest.raises(NoProgressError, match=r"interactions\[0\] stood at 5 of 9 for 30 s"):
        progress.look({A: 5, B: 3}, {A: 9, B: 3}, 30)


def test_the_progress_of_another_partition_is_no_excuse() -> None:
    progress = Progress(30)
    for second in range(0, 30, 5):
        progress.look({A: 5, B: second}, {A: 9, B: 1_000}, second)
    with pytest.raises(NoProgressError):
        progress.look({A: 5, B: 31}, {A: 9, B: 1_000}, 31)


def test_slow_is_not_still() -> None:
    progress = Progress(30)
    for second in range(0, 300, 20):
        progress.look({A: second // 20}, {A: 1_000}, second)


def test_without_records_nobody_has_to_move() -> None:
    progress = Progress(30)
    for second in range(0, 300, 20):
        progress.look({A: 9}, {A: 9}, second)


def test_whoever_waits_for_kafka_or_the_store_is_excused() -> None:
    progress = Progress(30)
    progress.look({A: 5}, {A: 9}, 0)
    progress.excuse()
    progress.look({A: 5}, {A: 9}, 40)
    progress.look({A: 5}, {A: 9}, 69)
    with pytest.raises(NoProgressError):
        progress.look({A: 5}, {A: 9}, 70)


def test_a_partition_that_was_taken_away_is_forgotten() -> None:
    progress = Progress(30)
    progress.look({A: 5}, {A: 9}, 0)
    progress.look({}, {}, 20)
    progress.look({A: 5}, {A: 9}, 40)
    progress.look({A: 5}, {A: 9}, 60)
