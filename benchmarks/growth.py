"""What an event costs the exact tier, and what the tier takes of memory, as the log grows.

    python -m benchmarks.growth [--long] [--turns 10]

A synthetic log of clicks whose users and items grow with it (`synthetic_log`), in batches of 1,000. An event's cost is
the processor time of decoding and checking it, folding it, and collecting what it changed, over the last tenth of the
log: 10,000, 100,000 and 1,000,000 events (with --long 10,000,000). All states are grown to nine tenths first, then
their last tenths are played in parts, by turns, and the median part counts; of the short logs there are several, with
other seeds. Caps as in the default settings, for one of their four partitions.

A worker has at most 100,000 users in hand and reads the others from Redis. Here their rows lie in this process instead,
packed, as in a replay (`online_models.packed_users`); keeping them there is not in the cost, but is in the memory.
Resident memory is that of fresh processes that fold the whole log, with the default caps and with low ones, under which
it must stay flat.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

from benchmarks.processes import used
from benchmarks.report import Figure, alternating, medians, tell
from benchmarks.synthetic_log import GrowingLog
from coldspring import wiring
from coldspring.settings import Settings
from online_models.caps import Caps
from online_models.packed_users import PackedUsers
from online_models.partition_state import PartitionState
from recommender.event_types import EventTypes
from streams import intake

NAME: Final = "growth"
LENGTHS: Final = (10_000, 100_000, 1_000_000)
LONG: Final = 10_000_000
BATCH: Final = 1_000
IN_HAND: Final = 100_000
LOW: Final = Caps(users=3_000, items=1_500)
"""Both are reached before 100,000 events: from then on nothing should grow."""
BOUND: Final = 1.2
COPIES: Final = {10_000: 10, 100_000: 3}
"""So many logs of the short lengths, that their parts are long enough to be timed."""


class Growing:
    """A partition's state while a log is folded into it."""

    def __init__(self, seed: int, caps: Caps, in_hand: int = IN_HAND) -> None:
        self._log = GrowingLog(seed)
        self._types = EventTypes()
        self._rows = PackedUsers()
        self._state = PartitionState(self._types, self._rows, max_users=in_hand, caps=caps)
        self._source = intake.Source("interactions", 0, 1)
        self.done = 0

    def play(self, count: int) -> float:
        """Fold so many events more; processor seconds, without making them and without keeping the users' rows."""
        took, end = 0.0, self.done + count
        while self.done < end:
            records = self._log.records(self.done, min(end, self.done + BATCH))
            began = time.process_time()
            checked = intake.interactions(self._source, records, self._types)
            self._state.fold(checked.events)
            changes = self._state.take_changes()
            took += time.process_time() - began
            self.done += len(records)
            for user, row in changes.users.items():
                if row is None:
                    self._rows.rows.pop(user, None)
                else:
                    self._rows.rows[user] = row
        return took

    def sizes(self) -> dict[str, int]:
        """Users and items that are held, and the places that items ever had."""
        names = self._state.dictionary
        return {"users": len(self._rows.rows), "items": names.live, "places": len(names)}


class Tenth:
    """The last tenth of a log, in parts; of a short log several copies."""

    def __init__(self, length: int, caps: Caps, parts: int) -> None:
        self._states = [Growing(seed, caps) for seed in range(COPIES.get(length, 1))]
        self._part = max(1, length // 10 // parts)
        for state in self._states:
            state.play(length - length // 10)

    def part(self) -> float:
        """Microseconds an event of the next part."""
        return 1e6 * sum(state.play(self._part) for state in self._states) / (self._part * len(self._states))


def costs(lengths: Sequence[int], turns: int) -> dict[int, float]:
    """Microseconds an event at each length."""
    Growing(0, Caps()).play(BATCH)  # loads the compiled kernels
    caps = wiring.caps(Settings())
    tenths = {str(length): Tenth(length, caps, turns) for length in lengths}
    gc.collect()
    found = medians(alternating({name: tenth.part for name, tenth in tenths.items()}, turns))
    return {int(name): value for name, value in found.items()}


def watch(lengths: Sequence[int], caps: Caps, in_hand: int) -> None:
    """In a process of its own: fold the longest log, and print a line of JSON at each length."""
    state = Growing(0, caps, in_hand)
    for length in lengths:
        state.play(length - state.done)
        gc.collect()
        print(json.dumps({"events": length, "rss": used([os.getpid()]).rss, **state.sizes()}), flush=True)


def memories(lengths: Sequence[int]) -> dict[str, dict[int, dict[str, int]]]:
    """By caps and length: resident bytes, users and items; the two processes run side by side."""
    command = [sys.executable, "-m", "benchmarks.growth", "--watch"]
    found: dict[str, dict[int, dict[str, int]]] = {}
    with ExitStack() as stack:
        children = {}
        for name in ("default", "low"):
            process = subprocess.Popen(
                [*command, name, "--lengths", *map(str, lengths)], stdout=subprocess.PIPE, text=True
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            children[name] = process
        for name, process in children.items():
            out, _ = process.communicate()
            if process.returncode:
                raise SystemExit(f"the process with {name} caps ended with status {process.returncode}")
            told = [json.loads(line) for line in out.splitlines()]
            found[name] = {one.pop("events"): one for one in told}
    return found


def figures(cost: dict[int, float], memory: dict[str, dict[int, dict[str, int]]]) -> list[Figure]:
    """All of them; the two ratios are between the two longest of the usual lengths."""
    shorter, longer = [length for length in cost if length < LONG][-2:]
    found = [Figure(f"an event at {length:,}", value, "us") for length, value in cost.items()]
    against = f"{cost[shorter]:.1f} us at {shorter:,}"
    found.append(
        Figure(f"cost, {longer:,} to {shorter:,}", cost[longer] / cost[shorter], "", bound=BOUND, against=against)
    )
    for name, lengths in memory.items():
        found += [Figure(f"memory, {name} caps, {n:,}", one["rss"] / 2**20, "MiB") for n, one in lengths.items()]
    low = memory["low"]
    against = f"{low[shorter]['rss'] / 2**20:.0f} MiB at {shorter:,}"
    growth = low[longer]["rss"] / low[shorter]["rss"]
    found.append(Figure(f"memory, low caps, {longer:,} to {shorter:,}", growth, "", bound=BOUND, against=against))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lengths", type=int, nargs="*", default=list(LENGTHS))
    parser.add_argument("--long", action="store_true", help=f"{LONG:,} events too")
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--watch", choices=("default", "low"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    lengths = [*options.lengths, *([LONG] if options.long else [])]
    usual = wiring.caps(Settings())
    if options.watch:
        watch(lengths, *((LOW, LOW.users) if options.watch == "low" else (usual, IN_HAND)))
        return
    memory = memories(lengths)
    cost = costs(lengths, options.turns)
    details: dict[str, Any] = {
        "caps": {"users": usual.users, "items": usual.items}, "low": {"users": LOW.users, "items": LOW.items},
        "in_hand": IN_HAND, "held": memory,
    }  # fmt: skip
    tell(NAME, figures(cost, memory), details)


if __name__ == "__main__":
    main()
