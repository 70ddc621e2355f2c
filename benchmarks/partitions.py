"""HR@10 with the counts spread over 1, 4 and 16 partitions, and with the counts of others a second late.

Serving sums the partitions' rows when it reads them. One trainer's weights are used by all, so that nothing but the
spreading and the lateness differs; every list comes from the `LiveRecommender` that serving has.

    python -m benchmarks.partitions [--events 20000] [--every 4] [--streams movietweetings films news shop]
"""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from benchmarks import streams
from benchmarks.in_memory import InMemory, interaction
from benchmarks.streams import Event, Stream
from benchmarks.streams.stream import SCALE
from coldspring import dataset
from online_models.partition_state import PartitionState
from recommender.event_types import EventTypes
from recommender.numbering import Array
from recommender.read_model import UserState
from serving.views.memory import MemoryReadModel
from serving.views.translate import user_state

PARTITIONS = (1, 4, 16)
TWEETED = "movietweetings"
DEFAULT = (TWEETED, "films", "news", "shop")
MOST_LOST = {"1": 0.0, "4": 0.01, "16": 0.02, "1 s late": 0.005}
"""How much of HR@10 may be lost against one partition that is never late."""


class Behind(MemoryReadModel):
    """Counts and rows as they were a while ago; each user's own ring as it is.

    Parameters
    ----------
    late_ms
        Of event time.
    late_events
        At least so many events, too.
    """

    def __init__(self, late_ms: int, late_events: int = 0) -> None:
        super().__init__([PartitionState()])
        self.current = PartitionState()
        self._late_ms, self._late_events = late_ms, late_events
        self._waiting: deque[Event] = deque()
        self._numbers: list[int] = []
        self._turns = 0

    def fold(self, event: Event) -> None:
        """The user's own ring has it at once; the counts have it when `due` says so."""
        self.current.fold([interaction(event)])
        self._waiting.append(event)

    def due(self, now: int) -> None:
        """It is `now` (event time, ms): what happened long enough ago is counted."""
        while len(self._waiting) > self._late_events and self._waiting[0].timestamp <= now - self._late_ms:
            self.states[0].fold([interaction(self._waiting.popleft())])

    def _user(self, user_id: str) -> UserState | None:
        names = self.current.dictionary.names
        if self.numbering.turns != self._turns:  # what is only in `current` is gone, as far as the numbering knows
            self._turns = self.numbering.turns
            self._numbers.clear()
        self._numbers.extend(self.numbering.number(name) for name in names[len(self._numbers) :])
        self.counts.reserve(len(self.numbering))
        numbers: Array = np.array(self._numbers, np.int64)
        return user_state(user_id, self.current.user(user_id), numbers, None)


@dataclass(slots=True)
class Tally:
    """What one way of keeping the counts scored."""

    name: str
    hits: list[bool] = field(default_factory=list)
    gain: float = 0.0
    seconds: float = 0.0

    @property
    def hr(self) -> float:
        return sum(self.hits) / max(1, len(self.hits))

    def loss(self, other: Tally) -> float:
        """What share of the other's HR@10 is lost."""
        return 1.0 - self.hr / other.hr if other.hr else 0.0

    def spread(self, other: Tally) -> float:
        """The standard error of `loss`, from the events where the two differ."""
        differ = np.array(self.hits, np.float64) - np.array(other.hits, np.float64)
        return float(differ.std() / math.sqrt(max(1, len(differ))) / max(other.hr, 1e-9))


async def compare(
    stream: Stream, every: int, counts: Sequence[int] = PARTITIONS, late: Sequence[tuple[str, int, int]] = ()
) -> list[Tally]:
    """Run all ways side by side; the first partition count is the one that is compared with.

    Parameters
    ----------
    every
        Ask before one event in so many.
    late
        (name, ms of event time, events) by which the counts of others are late, in one partition.
    """
    first = InMemory(counts[0])
    sites = {str(counts[0]): first}
    for count in counts[1:]:
        sites[str(count)] = InMemory(count, first.trainer, vectors=first.vectors)
    behind = {name: Behind(ms, events) for name, ms, events in late}
    for name, model in behind.items():
        sites[name] = InMemory(1, first.trainer, model, first.vectors)
    tallies = [Tally(name) for name in sites]
    number = 0
    for part in stream:
        if not isinstance(part, Event):
            for site in sites.values():
                site.announce(part)
            continue
        if number % every == 0:
            for model in behind.values():
                model.due(part.timestamp)
            for tally, site in zip(tallies, sites.values(), strict=True):
                began = time.process_time()
                found = await site.ids(part.user, repeat=stream.repeats)
                tally.seconds += time.process_time() - began
                tally.hits.append(part.item in found)
                tally.gain += 1.0 / math.log2(found.index(part.item) + 2) if part.item in found else 0.0
        for name, site in sites.items():
            if name in behind:
                behind[name].fold(part)
            else:
                site.learn(part)
        number += 1
    return tallies


def tweeted(count: int) -> Stream:
    """The first `count` ratings of MovieTweetings; without an oracle, and nothing is announced."""
    rated = islice(dataset.interactions(), count)
    parts = (
        Event(
            event["user_id"], event["item_id"], EventTypes().weight("rating", event["value"], SCALE),
            event["timestamp"], "rating", 0.0, 0.0, None, (), event["value"],
        )
        for event in rated
    )  # fmt: skip
    return Stream(TWEETED, 0, False, tuple(parts))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.partitions", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=4, help="ask before one event in so many")
    parser.add_argument("--streams", nargs="*", default=DEFAULT, choices=[TWEETED, *streams.names()])
    options = parser.parse_args()
    late = [("1 s late", 1_000, 0), ("60 s late", 60_000, 0), ("100 events late", 0, 100)]
    for name in options.streams:
        stream = tweeted(options.events) if name == TWEETED else streams.make(name, options.events)
        tallies = asyncio.run(compare(stream, options.every, late=late))
        print(f"{name}: {len(stream.events)} events, every {options.every}. asked; oracle {stream.best().hr:.4f}")
        print(f"  {'partitions':16} {'HR@10':>7} {'NDCG@10':>8} {'lost':>8} {'±':>6} {'allowed':>8} {'ms a list':>10}")
        for tally in tallies:
            asked, allowed = len(tally.hits), MOST_LOST.get(tally.name)
            limit = "" if allowed is None else f"{allowed:.1%}"
            print(
                f"  {tally.name:16} {tally.hr:7.4f} {tally.gain / asked:8.4f} {tally.loss(tallies[0]):8.2%} "
                f"{tally.spread(tallies[0]):6.2%} {limit:>8} {1e3 * tally.seconds / asked:10.2f}"
            )


if __name__ == "__main__":
    main()
