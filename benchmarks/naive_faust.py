"""The naive way to do what the click worker does: a Faust agent, a Table, and River. A peer of `benchmarks.ingest`.

    python -m benchmarks.naive_faust BOOTSTRAP TOPIC PARTITIONS EVENTS

One event at a time, decoded by Faust: the user's count and newest items go into a Table (in memory, with its changelog
in Kafka), and `river.reco.BiasedMF` learns the rating. Nothing is checked, nothing deduplicated, nothing is exact.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from typing import Any

import faust
from river import reco

from benchmarks.plain_faust import Agent, main

RECENT = 50


def learning(app: faust.App, partitions: int, through: Callable[[], None]) -> Agent:
    """An agent that keeps users in a Table and teaches a model."""
    users = app.Table("users", default=dict, partitions=partitions)
    model: Any = reco.BiasedMF(seed=1)

    async def learn(events: AsyncIterable[Any]) -> None:
        async for event in events:
            user, item = event["user_id"], event["item_id"]
            known = users[user]
            recent = [*known.get("recent", ()), item][-RECENT:]
            users[user] = {"events": known.get("events", 0) + 1, "recent": recent}
            model.learn_one(user, item, event["value"])
            through()

    return learn


if __name__ == "__main__":
    main(learning)
