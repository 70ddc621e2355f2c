"""Counts that lie in several partitions, or are a second old, make nearly the same lists."""

from __future__ import annotations

from benchmarks import streams
from benchmarks.partitions import MOST_LOST, compare

from .size import LONG, events

MARGIN = 0.005 if LONG else 0.015
"""For the chance in which of few events differ."""


async def test_partitions_and_a_second_lose_next_to_nothing() -> None:
    stream = streams.make("shop", events(2_000, 10), seed=1)
    tallies = await compare(stream, every=4, late=[("1 s late", 1_000, 0)])
    first = tallies[0]
    assert first.hr > 0.3 * stream.best().hr
    lost = {tally.name: tally.loss(first) for tally in tallies}
    assert set(lost) == set(MOST_LOST)
    for name, most in MOST_LOST.items():
        assert lost[name] <= most + MARGIN, f"{name}: {lost[name]:.2%} of HR@10 lost, at most {most:.1%} allowed"


async def test_lateness_is_noticed_where_there_is_much_of_it() -> None:
    # The same comparison sees what 200 events of lateness cost, where news come and go.
    stream = streams.make("news", events(1_500, 4), seed=1)
    first, late = await compare(stream, every=4, counts=[1], late=[("200 events late", 0, 200)])
    assert late.hr < 0.97 * first.hr
