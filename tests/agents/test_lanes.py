"""What waits in a partition goes together; what does not follow on, and other partitions, go apart."""

import asyncio

import pytest

from streams.batch import Batch
from streams.intake import LogRecord
from streams.lanes import MOST, Lanes


def batch(begin: int, end: int, partition: int = 0) -> Batch:
    records = [LogRecord(offset, None, b"{}") for offset in range(begin, end)]
    return Batch("interactions", partition, begin, end, records)


class Slow:
    """A handler that holds its first batch until it is let go."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, int, int, int]] = []
        self.go = asyncio.Event()

    async def __call__(self, given: Batch) -> None:
        self.taken.append((given.partition, given.begin, given.next, len(given.records)))
        await self.go.wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_waiting_batches_go_together_in_order() -> None:
    slow = Slow()
    lanes = Lanes(slow)
    await lanes.put(batch(0, 2))
    await settle()
    for begin in (2, 3, 4, 9):
        await lanes.put(batch(begin, begin + 1))
    slow.go.set()
    await settle()
    assert slow.taken == [(0, 0, 2, 2), (0, 2, 5, 3), (0, 9, 10, 1)]
    await lanes.close()


async def test_a_gap_without_records_is_kept() -> None:
    slow = Slow()
    lanes = Lanes(slow)
    await lanes.put(batch(0, 1))
    await settle()
    await lanes.put(Batch("interactions", 0, 1, 5, ()))  # aborted records only
    await lanes.put(batch(5, 6))
    slow.go.set()
    await settle()
    assert slow.taken == [(0, 0, 1, 1), (0, 1, 6, 1)]
    await lanes.close()


async def test_partitions_do_not_wait_for_each_other() -> None:
    slow = Slow()
    lanes = Lanes(slow)
    await lanes.put(batch(0, 1))
    await lanes.put(batch(0, 1, partition=1))
    await settle()
    assert [taken[0] for taken in slow.taken] == [0, 1]
    await lanes.close()


async def test_a_full_lane_makes_its_bringer_wait() -> None:
    slow = Slow()
    lanes = Lanes(slow)
    await lanes.put(batch(0, 1))
    await settle()
    await lanes.put(batch(1, 1 + MOST))
    putting = asyncio.create_task(lanes.put(batch(1 + MOST, 2 + MOST)))
    await settle()
    assert not putting.done()
    slow.go.set()
    await asyncio.wait_for(putting, 1)
    await lanes.close()


async def test_a_failure_reaches_whoever_brings_the_next() -> None:
    async def fail(given: Batch) -> None:
        raise ValueError(given.begin)

    lanes = Lanes(fail)
    await lanes.put(batch(0, 1))
    await settle()
    with pytest.raises(ValueError, match="0"):
        await lanes.put(batch(1, 2))
    await lanes.close()
