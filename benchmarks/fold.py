"""What one event costs the exact tier, and one example the trainer; beside River, and beside decoding and copying.

    python -m benchmarks.fold [--events 40000] [--examples 6000] [--rounds 5]

Real ratings (MovieTweetings' first), by processor time, in one process and without broker or store. The fold: an
envelope of 100 is decoded, its events are checked, told from repeats, and learned by a `PartitionState`; `changes` are
the rows that a worker then writes. River's peer is `BiasedMF.learn_one` on the same ratings, which decodes and checks
nothing. The floor decodes the same envelopes into plain structs and copies the changed rows' bytes once.

The trainer learns each example as it does beside a worker, once with a quarter of them tested first (the default) and
once with none; its parts are timed inside, on the clock.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import msgspec
from river import reco

from benchmarks.lessons import Nothing, examples
from benchmarks.report import Figure, alternating, medians, tell
from coldspring.dataset import interactions
from online_models.partition_state import PartitionState
from recommender.event_types import EventTypes
from recommender.keys import Keys
from streams import intake
from streams.outbox import Example
from streams.trainer import Trainer

ENVELOPE = 100
BATCH = 10
"""Envelopes a batch."""
PAUSE = 50
"""Examples that the trainer takes in one go."""
SOURCE = intake.Source("interactions", 0, 1)
Records = Sequence[intake.LogRecord]


class Plain(msgspec.Struct, gc=False):
    """An event as it is, unchecked."""

    user_id: str
    item_id: str
    type: str
    timestamp: int
    event_id: str | None = None
    value: float | None = None
    scale: tuple[float, float] | None = None


def recorded(values: Sequence[bytes], size: int) -> Records:
    """The events in records of so many, as they lie in Kafka."""
    cuts = range(0, len(values), size)
    if size == 1:
        return [intake.LogRecord(offset, None, value) for offset, value in enumerate(values)]
    return [intake.LogRecord(n, None, b"[" + b",".join(values[at : at + size]) + b"]") for n, at in enumerate(cuts)]


class Folding:
    """Folds the same records again and again, each time from nothing.

    Attributes
    ----------
    changed
        Bytes of the rows that changed, batch by batch, in the first run.
    """

    def __init__(self, records: Records, batch: int) -> None:
        self.records, self.batch = records, batch
        self.types = EventTypes()
        self.changed: list[list[bytes]] = []
        self.changes_s: list[float] = []

    def run(self) -> float:
        """Seconds of the fold; those of `take_changes` are kept apart."""
        state, spent, apart, kept = PartitionState(self.types), 0.0, 0.0, not self.changed
        for at in range(0, len(self.records), self.batch):
            began = time.process_time()
            state.fold(intake.interactions(SOURCE, self.records[at : at + self.batch], self.types).events)
            folded = time.process_time()
            changes = state.take_changes()
            apart += time.process_time() - folded
            spent += folded - began
            if kept:
                rows = (*changes.users.values(), *changes.stats.values(), *changes.rows.values())
                self.changed.append([row for row in rows if row])
        self.changes_s.append(apart)
        return spent

    def floor(self) -> float:
        """Seconds of decoding and copying alone."""
        decoder, began = msgspec.json.Decoder(list[Plain]), time.process_time()
        for record, rows in zip(range(0, len(self.records), self.batch), self.changed, strict=True):
            for each in self.records[record : record + self.batch]:
                decoder.decode(each.value or b"")
            b"".join(rows)
        return time.process_time() - began


def river(ratings: Sequence[tuple[str, str, float]]) -> float:
    """Seconds of River's matrix factorisation."""
    model: Any = reco.BiasedMF()
    began = time.process_time()
    for user, item, value in ratings:
        model.learn_one(user, item, value)
    return time.process_time() - began


def trained(those: Sequence[Example], tested: float) -> tuple[float, dict[str, float]]:
    """Seconds of a trainer that learns them all, and of its parts inside."""

    async def nowhere(_key: bytes, _value: bytes) -> None: ...

    unused: Any = None
    vectors: Any = Nothing()
    trainer = Trainer(unused, Keys("none"), vectors, nowhere, tested=tested)
    spent: dict[str, float] = {}
    model: Any = trainer.default
    model.blend.learn = timed(model.blend.learn, "the blend's step", spent)
    model._learn_blend = timed(model._learn_blend, "features and blend", spent)
    model.mf.learn_one = timed(model.mf.learn_one, "matrix factorisation", spent)
    model.count_many = timed(model.count_many, "counts", spent)
    began = time.process_time()
    for at in range(0, len(those), PAUSE):
        trainer.learn(those[at : at + PAUSE])
    return time.process_time() - began, spent


def timed(call: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    """The same call, its seconds added up."""

    def measured(*args: Any) -> Any:
        began = time.perf_counter()
        try:
            return call(*args)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began

    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--examples", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    events = list(islice(interactions(), options.events))
    values = [msgspec.json.encode(event) for event in events]
    ratings = [(event["user_id"], event["item_id"], float(event["value"])) for event in events]
    whole, single = Folding(recorded(values, ENVELOPE), BATCH), Folding(recorded(values, 1), BATCH * ENVELOPE)
    those = examples(options.examples)
    whole.run(), trained(those[:500], 0.25)  # loads the compiled kernels, and keeps what changed
    whole.changes_s.clear()
    parts: list[dict[str, float]] = []

    def alone(tested: float) -> float:
        spent, inside = trained(those, tested)
        if not tested:
            parts.append(inside)
        return spent * len(events) / len(those)

    ways: dict[str, Callable[[], float]] = {
        "fold": whole.run,
        "singles": single.run,
        "floor": whole.floor,
        "river": lambda: river(ratings),
        "trainer": lambda: alone(0.0),
        "trainer, a quarter tested": lambda: alone(0.25),
    }
    us = {name: 1e6 * value / len(events) for name, value in medians(alternating(ways, options.rounds)).items()}
    changes = 1e6 * sorted(whole.changes_s)[len(whole.changes_s) // 2] / len(events)
    inside = {name: round(1e6 * min(each[name] for each in parts) / len(those), 1) for name in sorted(parts[0])}
    floor, peer = f"decode and copy: {us['floor']:.2f} us", f"River's BiasedMF.learn_one: {us['river']:.1f} us"
    tell(
        "fold",
        [
            Figure("an event, envelopes of 100", us["fold"], "us", bound=6.0, against=floor),
            Figure("River's learn_one to an event", us["river"] / us["fold"], "times", "at least", 5.0, against=peer),
            Figure("an event by itself in its record", us["singles"], "us"),
            Figure("its changed rows", changes, "us"),
            Figure("an example, all of the trainer", us["trainer"], "us", bound=300.0, against=peer),
            Figure("the same, a quarter tested first", us["trainer, a quarter tested"], "us", bound=300.0),
            *(Figure(f"of an example: {name}", value, "us") for name, value in inside.items()),
        ],
    )


if __name__ == "__main__":
    main()
