"""Ending tasks that may not hear it the first time."""

from __future__ import annotations

import asyncio
from typing import Any, Final

AGAIN_S: Final = 3.0
"""Longer than any task needs to clean up."""


async def end(*tasks: asyncio.Task[Any], again_s: float = AGAIN_S) -> None:
    """Cancel tasks until they are done; what they raise is theirs.

    One `cancel` can get lost: until Python 3.12, `asyncio.wait_for`, with which redis-py sends, returns its result when
    the two come at the same moment (cpython #86296). A loop then goes on for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s)
    await asyncio.gather(*tasks, return_exceptions=True)
