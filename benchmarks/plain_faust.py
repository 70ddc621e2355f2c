"""A plain Faust agent: its JSON decoded by Faust, counted, dropped. A peer of `benchmarks.ingest`.

    python -m benchmarks.plain_faust BOOTSTRAP TOPIC PARTITIONS EVENTS

faust-streaming as its tutorial has it, one event at a time; the web server alone is switched off. `run` and `app_of`
serve `benchmarks.naive_faust` too.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterable, Callable
from typing import Any

import faust

from benchmarks.peers import Tally

Agent = Callable[[AsyncIterable[Any]], Any]
Make = Callable[[faust.App, int, Callable[[], None]], Agent]
"""Makes an agent of an app and the number of partitions; it calls the third when an event is through."""


def counting(app: faust.App, partitions: int, through: Callable[[], None]) -> Agent:
    """An agent that does nothing."""
    del app, partitions

    async def count(events: AsyncIterable[Any]) -> None:
        async for _ in events:
            through()

    return count


async def run(bootstrap: str, topic: str, partitions: int, events: int, make: Make) -> None:
    """Have the agent read the topic from its beginning until so many events are through, and tell how fast it was."""
    with tempfile.TemporaryDirectory(prefix="coldspring-bench-") as folder:
        # A group that nobody knows begins at the beginning, and waits for no earlier member.
        app = faust.App(
            f"peer-{secrets.token_hex(4)}",
            broker=f"kafka://{bootstrap}",
            store="memory://",
            value_serializer="json",
            topic_partitions=partitions,
            web_enabled=False,
            datadir=folder,
        )
        tally, done = Tally(events), asyncio.Event()

        def through() -> None:
            if tally.add(1) and not done.is_set():
                tally.tell()
                done.set()

        source = app.topic(topic, key_type=bytes, value_serializer="json", partitions=partitions)
        app.agent(source, name="peer")(make(app, partitions, through))
        await app.start()
        await done.wait()
        await asyncio.Event().wait()  # whoever reads the line ends this process


def main(make: Make = counting) -> None:
    parser = argparse.ArgumentParser(description="Read a topic with a Faust agent, and tell how fast.")
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("partitions", type=int)
    parser.add_argument("events", type=int)
    options = parser.parse_args()
    asyncio.run(run(options.bootstrap, options.topic, options.partitions, options.events, make))


if __name__ == "__main__":
    main()
