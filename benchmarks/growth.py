"""What an event costs the exact tier, and what the tier takes of memory, as the log grows.

    python -m benchmarks.growth [--long] [--turns 10]

A synthetic log of clicks whose users and items grow with it (`synthetic_log`), in batches of 1,000. An event's cost is
the processor time of decoding and checking it, folding it, and collecting what it changed, over the last tenth of the
log: 10,000, 100,000 and 1,000,000 events (with --long 10,000,000). All states are grown to nine tenths first, then
their last tenths are played in parts, by turns, and the median part counts; of the short logs there are several, with
other seeds. Caps as in the default settings, for one of their four partitions.

A worker has at most 100,000 users in hand and reads the others from Redis. Here what Redis would hold (rows of users
and of items) lies in this process too, as bytes, as in a replay; writing it is not in the cost, but is in the memory.
The cost has the numbering of items anew (`streams.new_numbers`).
Resident memory with the default caps is this process's, at nine tenths of each length, before it holds other states;
with low caps it is that of a process of its own, and must stay flat once the caps are reached. Both hold what Python
and the compiled kernels take, which is told too (0 events).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any, Final

from benchmarks.growing import BATCH, IN_HAND, Growing
from benchmarks.report import Figure, alternating, medians, tell
from coldspring import wiring
from coldspring.settings import Settings
from online_models.caps import Caps

NAME: Final = "growth"
LENGTHS: Final = (10_000, 100_000, 1_000_000)
LONG: Final = 10_000_000
BOUND: Final = 1.2
LOW: Final = Caps(users=3_000, items=1_500)
"""Both are reached before 100,000 events: from then on nothing should grow."""
COPIES: Final = {100_000: 3}
"""So many logs of a short length are played together, that their parts are long enough to be timed."""

Held = dict[int, dict[str, int]]


class Tenth:
    """A log up to its last tenth, and that in parts; of a very short log several copies, the whole tenth of one a part.

    held: what this process held at nine tenths of this and of each of the shorter lengths, where it was asked to look.
    """

    def __init__(self, length: int, caps: Caps, parts: int, look: Sequence[int] = ()) -> None:
        tenth = length // 10
        short = tenth < parts * BATCH
        self._states = [Growing(seed, caps) for seed in range(parts if short else COPIES.get(length, 1))]
        self._turns = cycle([[state] for state in self._states] if short else [self._states])
        self._part = tenth if short else tenth // parts
        self.held: Held = {}
        for state in self._states:
            for stop in sorted({*look, length}):
                state.play(stop - stop // 10 - state.done)
                if look:
                    self.held[state.done] = state.held()
            state.reset()

    def part(self) -> float:
        """Microseconds an event of the next part."""
        states = next(self._turns)
        return 1e6 * sum(state.play(self._part) for state in states) / (self._part * len(states))

    def steps(self) -> dict[str, float]:
        """Microseconds an event of each step, and bytes of neighbour rows collected an event, of the parts so far."""
        events = sum(state.counted for state in self._states)
        found = {
            step: round(1e6 * sum(state.took[step] for state in self._states) / events, 2)
            for step in self._states[0].took
        }
        return {**found, "row_bytes": round(sum(state.row_bytes for state in self._states) / events)}


def watch(lengths: Sequence[int]) -> None:
    """In a process of its own: fold the longest log with low caps, and print a line of JSON at each length."""
    state = Growing(0, LOW, LOW.users)
    for length in (0, *lengths):
        state.play(length - state.done)
        print(json.dumps({"events": length, **state.held()}), flush=True)


@contextmanager
def watched(lengths: Sequence[int]) -> Iterator[subprocess.Popen[str]]:
    """That process."""
    command = [sys.executable, "-m", "benchmarks.growth", "--watch", "--lengths", *map(str, lengths)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def measure(lengths: Sequence[int], turns: int) -> tuple[dict[int, float], Held, Held, dict[int, dict[str, float]]]:
    """Microseconds an event by length; what is held with the default and with low caps; the cost by steps."""
    caps = wiring.caps(Settings())
    with watched([length for length in lengths if length < LONG]) as beside:
        tenths = {lengths[-1]: Tenth(lengths[-1], caps, turns, (0, *lengths))}
        out, _ = beside.communicate()
        if beside.returncode:
            raise SystemExit(f"the process with low caps ended with status {beside.returncode}")
    for length in lengths[:-1]:
        tenths[length] = Tenth(length, caps, turns)
    found = medians(alternating({str(length): tenths[length].part for length in lengths}, turns))
    low = {one.pop("events"): one for one in map(json.loads, out.splitlines())}
    steps = {length: tenths[length].steps() for length in lengths}
    return {length: found[str(length)] for length in lengths}, tenths[lengths[-1]].held, low, steps


def figures(cost: Mapping[int, float], default: Held, low: Held) -> list[Figure]:
    """All of them; the ratios are between the two longest of the usual lengths."""
    shorter, longer = [length for length in cost if length < LONG][-2:]
    found = [Figure(f"an event at {length:,}", value, "us") for length, value in cost.items()]
    against = f"{cost[shorter]:.1f} us at {shorter:,}"
    ratio = cost[longer] / cost[shorter]
    found.append(Figure(f"cost, {longer:,} to {shorter:,}", ratio, "", bound=BOUND, against=against))
    for name, lengths in (("default", default), ("low", low)):
        for length, one in lengths.items():
            against = f"{one['users']:,} users, {one['items']:,} items"
            found.append(Figure(f"memory, {name} caps, {length:,}", one["rss"] / 2**20, "MiB", against=against))
    against = f"{low[shorter]['rss'] / 2**20:.0f} MiB at {shorter:,}"
    growth = low[longer]["rss"] / low[shorter]["rss"]
    found.append(Figure(f"memory, low caps, {longer:,} to {shorter:,}", growth, "", bound=BOUND, against=against))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lengths", type=int, nargs="*", default=list(LENGTHS))
    parser.add_argument("--long", action="store_true", help=f"{LONG:,} events too")
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--watch", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if len(options.lengths) < 2:
        parser.error("--lengths takes two or more: the last two are compared")
    lengths = [*options.lengths, *([LONG] if options.long else [])]
    Growing(0, Caps()).play(BATCH)  # loads the compiled kernels
    if options.watch:
        watch(lengths)
        return
    cost, default, low, steps = measure(lengths, options.turns)
    usual = wiring.caps(Settings())
    details: dict[str, Any] = {
        "caps": {"users": usual.users, "items": usual.items}, "low": {"users": LOW.users, "items": LOW.items},
        "in_hand": IN_HAND, "steps_us": steps, "held": default, "held_low": low,
    }  # fmt: skip
    tell(NAME, figures(cost, default, low), details)


if __name__ == "__main__":
    main()
