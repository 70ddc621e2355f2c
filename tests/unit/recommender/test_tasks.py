from __future__ import annotations

import asyncio

from recommender.tasks import end


async def deaf(begun: asyncio.Event) -> None:
    """Loses its first cancel the way redis-py's sends may."""
    begun.set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        begun.clear()
    await asyncio.sleep(60)


async def test_a_task_that_did_not_hear_the_first_time_is_told_again() -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(deaf(begun))
    await begun.wait()
    async with asyncio.timeout(30):
        await end(task, again_s=0.01)
    assert task.cancelled()
    assert not begun.is_set(), "the first was lost"


async def test_what_a_task_raises_is_not_raised_again() -> None:
    async def fails() -> None:
        raise ValueError

    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    await end(task)
    assert isinstance(task.exception(), ValueError)


async def test_nothing_to_end() -> None:
    await end()
