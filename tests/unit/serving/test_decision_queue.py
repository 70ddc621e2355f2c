"""Served lists on their way to `decisions`."""

import asyncio
from collections.abc import Sequence

from recommender.query import RecommendationList
from serving.decision_queue import DecisionQueue


def served(number: int) -> RecommendationList:
    return RecommendationList(f"r{number}", "u1", 1.0, {"interactions": [1]}, [])


async def test_a_share_by_hash_and_always_the_same() -> None:
    kept: list[list[str]] = []
    for _ in range(2):
        ids: list[str] = []

        async def write(batch: Sequence[RecommendationList], ids: list[str] = ids) -> None:
            ids.extend(each.request_id for each in batch)

        queue = DecisionQueue(write, share=0.25)
        queue.start()
        for number in range(1_000):
            queue.offer(served(number))
        await queue.close()
        kept.append(ids)
    assert kept[0] == kept[1]
    assert 200 < len(kept[0]) < 300


async def test_full_or_failing_it_drops_and_counts() -> None:
    async def refuse(_: Sequence[RecommendationList]) -> None:
        raise OSError("away")

    queue = DecisionQueue(refuse, size=5)
    for number in range(8):
        queue.offer(served(number))
    assert queue.dropped == 3
    queue.start()
    await asyncio.sleep(0)
    await queue.close()
    assert queue.dropped == 8
