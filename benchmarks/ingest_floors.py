"""The floor of `benchmarks.ingest`: a bare aiokafka consumer that decodes every event and drops it.

    python -m benchmarks.ingest_floors BOOTSTRAP TOPIC PARTITIONS EVENTS [--passes 1]

`getmany` over all partitions, and msgspec into a plain struct; records hold one event or a list of them. It reads all
of them so many times in one go: a hundred thousand events in envelopes are over in a fifth of a second.
"""

from __future__ import annotations

import argparse
import asyncio

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.peers import Tally


class Rating(msgspec.Struct):
    """An event with nothing checked but its JSON types."""

    user_id: str
    item_id: str
    type: str
    timestamp: int
    event_id: str | None = None
    value: float | None = None
    scale: tuple[float, float] | None = None


async def read(bootstrap: str, topic: str, partitions: int, events: int, passes: int) -> None:
    """Read from the beginning until so many events were decoded, `passes` times."""
    decode, decode_many = msgspec.json.Decoder(Rating).decode, msgspec.json.Decoder(list[Rating]).decode
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
    tally = Tally(events * passes)
    left = 0
    done = False
    while not done:
        if left <= 0:
            await consumer.seek_to_beginning()
            left = events
        seen = 0
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for record in records:
                value = record.value
                if value.startswith(b"["):
                    seen += len(decode_many(value))
                else:
                    decode(value)
                    seen += 1
        left -= seen
        done = bool(seen) and tally.add(seen)
    tally.tell()
    await consumer.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Read and decode a topic's events, and tell how fast.")
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("partitions", type=int)
    parser.add_argument("events", type=int)
    parser.add_argument("--passes", type=int, default=1)
    options = parser.parse_args()
    # The worker's loop is of this kind.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(read(options.bootstrap, options.topic, options.partitions, options.events, options.passes))


if __name__ == "__main__":
    main()
