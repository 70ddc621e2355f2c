"""What a log leads to, when it is played straight into the state."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from recommender.reasons import DeadLetter
from recommender.topics import Topics
from streams.replay import DirectReplay
from tests.property.logs import PARTITIONS, Line

TOPICS = Topics(partitions=PARTITIONS, item_partitions=PARTITIONS)

Names = frozenset[tuple[str, int, int, int]]


def names_of(dead: Iterable[DeadLetter]) -> Names:
    """Topic, partition, offset and index identify a dead letter.

    Those of `forgets` are left out: forgets of ids that were the same person come between, earlier or later.
    """
    return frozenset((d.topic, d.partition, d.offset, d.index) for d in dead if d.topic != "forgets")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The digest, the counts, and what was set aside."""

    digest: str
    counts: dict[str, int]
    dead: Names


def played(lines: Iterable[Line], cuts: Collection[int] = (), batch: int = 500, **caps: Any) -> Outcome:
    """The log folded in one go, but for the `cuts`: there all that waits is folded and written first."""
    engine = DirectReplay(TOPICS, batch=batch, **caps)
    for place, line in enumerate(lines):
        if place in cuts:
            engine.flush()
        engine.feed(line.kind, line.identity, line.value)
    found = engine.digest()
    return Outcome(found, engine.counts(), names_of(engine.dead))
