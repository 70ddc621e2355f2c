"""What a smaller share of lessons costs in hit rate and saves in time, over MovieTweetings' first ratings.

    python -m benchmarks.lessons [--events 20000] [SHARE …]

The trainer counts every event and tests a quarter of them; its weights learn from a share chosen by the events' ids.
`us` is processor time an event without tests, `tested` the same with them.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Collection
from typing import Any

from coldspring.dataset import interactions
from recommender.event_types import EventTypes
from recommender.keys import Keys
from streams.outbox import Example
from streams.trainer import Trainer

TESTED = 0.25
WARM = 500
"""Events before the clock runs: kernels are compiled in them."""


class Nothing:
    """A store without vectors."""

    def get(self, items: Collection[str]) -> dict[str, Any]:
        del items
        return {}

    announced = get


def examples(count: int) -> list[Example]:
    """The first ratings as the worker hands them on."""
    types = EventTypes()
    return [
        Example(
            event["user_id"], event["item_id"], types.weight("rating", event["value"], tuple(event["scale"])), "rating",
            event["timestamp"], event["event_id"],
        )
        for event in itertools.islice(interactions(), count)
    ]  # fmt: skip


def run(those: list[Example], share: float, tested: float) -> tuple[dict[str, Any], float]:
    """The trainer's figures, and microseconds an event."""

    async def nowhere(_key: bytes, _value: bytes) -> None: ...

    unused: Any = None
    vectors: Any = Nothing()
    trainer = Trainer(unused, Keys("none"), vectors, nowhere, lessons=share, tested=tested)
    trainer.learn(those[:WARM])
    begin = time.process_time()
    for at in range(WARM, len(those), 50):
        trainer.learn(those[at : at + 50])
    return trainer.figures(), 1e6 * (time.process_time() - begin) / (len(those) - WARM)


def main() -> None:
    """Print a line a share."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("shares", nargs="*", type=float, default=[1.0, 0.5, 0.25, 0.1, 0.0])
    parser.add_argument("--events", type=int, default=20_000)
    given = parser.parse_args()
    those = examples(given.events)
    first: float | None = None
    print("share  lessons   tests   HR@10  of share 1    us  tested")
    for share in given.shares:
        told, with_tests = run(those, share, TESTED)
        _, us = run(those, share, 0.0)
        rate = told["models"]["default"]["hr@10_all"]
        first = first or rate
        counted = f"{share:5.2f} {told['lessons']:8d} {told['tested']:7d}"
        print(f"{counted}  {rate:.4f}  {rate / first:10.3f} {us:6.0f}  {with_tests:6.0f}", flush=True)


if __name__ == "__main__":
    main()
