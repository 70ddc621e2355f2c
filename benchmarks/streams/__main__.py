"""The streams, and the best possible score on each: ``python -m benchmarks.streams [--events 20000] [--seed 0]``."""

from __future__ import annotations

import argparse

from benchmarks import streams


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{'stream':10} {'events':>7} {'users':>6} {'items':>6} {'taken':>6} {'days':>5} {'HR@10':>7} {'NDCG@10':>8}")
    for name in streams.names():
        stream = streams.make(name, options.events, options.seed)
        events, best = stream.events, stream.best()
        days = (events[-1].timestamp - events[0].timestamp) / streams.DAY
        print(
            f"{name:10} {len(events):7} {len({event.user for event in events}):6} {len(stream.announcements):6} "
            f"{len({event.item for event in events}):6} {days:5.0f} {best.hr:7.4f} {best.ndcg:8.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
