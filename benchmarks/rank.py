"""A list of ten out of 100,000 items, in this process: microseconds, beside River's `rank` and an exact scan.

    python -m benchmarks.rank [--items 100000] [--users 10000] [--events 200000] [--lists 200] [--rounds 5] [--profile]

The path is the product's own behind every door, `LiveRecommender.recommend`, over the states of four partitions in
memory, the item index with its graph, and a blend and factors that a trainer learned (`benchmarks.rank_world`); no
broker, no Redis, no HTTP. Everybody asked for is known. All take turns, on one thread, the linear algebra's too.

River's `BiasedMF` has learned the same events, and ranks all items for a user. The floor is one vector against all:
a dot product with every item's 512 numbers and the best hundred of these, in numpy. Beside the whole answer: its two
halves, reading and listing; a list with one more event folded before it, which the answer takes in; and `Default`'s
own candidates, scores and best ten, as the trainer has them. With `--profile` also where the time of a list goes.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figures import print_table
from benchmarks.rank_ways import Ways
from benchmarks.rank_world import World
from benchmarks.report import Figure, alternating, medians, number, tell


def figures(ways: Ways, found: dict[str, float]) -> list[Figure]:
    whole = found["list"]

    def p99(name: str) -> float:
        return float(np.percentile(ways.calls[name], 99))

    floor = f"exact scan {found['scan']:,.0f} us"
    return [
        Figure("list of ten, p50", whole, "us", bound=500.0, against=floor),
        Figure("list of ten, p99", p99("list"), "us"),
        Figure(
            "times River's rank over all items", found["river"] / whole, "times", "at least", 100.0,
            against=f"River {found['river']:,.0f} us",
        ),
        Figure("after one more event, p50", found["after an event"], "us"),
        Figure("after one more event, p99", p99("after an event"), "us"),
        Figure("reading alone, p50", float(np.median(ways.calls["read"])), "us"),
        Figure("retrieve, score, rank alone, p50", found["make"], "us", against=floor),
        Figure("Default's candidates, scores, best ten, p50", found["model"], "us", against=floor),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--lessons", type=int, default=5_000, help="events at the end that teach the weights")
    parser.add_argument("--lists", type=int, default=200, help="a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="tell where the time of a list goes")
    options = parser.parse_args()
    with threadpool_limits(1), asyncio.Runner() as runner:
        world = World(options.items, options.users, options.events, options.lessons)
        ways = Ways(world, options.lists, runner)
        ways.teach_river()
        turns = {
            "list": ways.lists, "after an event": ways.lists_after_events, "make": ways.halves,
            "model": ways.model, "scan": ways.scan, "river": ways.rank,
        }  # fmt: skip
        for warm in turns.values():
            warm()
        ways.calls.clear()
        found = medians(alternating(turns, options.rounds))
        details: dict[str, Any] = {
            **vars(options), "building_s": world.took_s, "blend": world.trainer.blend.version,
        }  # fmt: skip
        if options.profile:
            details["us_by_layer"] = ways.profile()
            print_table(("layer", "us a list"), [(n, number(us)) for n, us in details["us_by_layer"].items()])
    tell("rank", figures(ways, found), details)


if __name__ == "__main__":
    main()
