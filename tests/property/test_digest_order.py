"""The digest depends on the events and their order within a partition of a topic, on nothing else."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.property.examples import TRIED
from tests.property.logs import BAD_LINE, Line, by_place, logs, with_event_ids, without_bad
from tests.property.played import played

CUTS = st.sets(st.integers(0, 30))
SHUFFLE = st.randoms(use_true_random=False)


def interleaved(lines: list[Line], shuffle: random.Random) -> list[Line]:
    """The same lines in another order between topics and partitions, the same within each partition of a topic."""
    places = list(by_place(lines).values())
    turns = [k for k, place in enumerate(places) for _ in place]
    shuffle.shuffle(turns)
    rests = [iter(place) for place in places]
    return [next(rests[k]) for k in turns]


@TRIED
@given(logs(), CUTS, st.integers(1, 30))
def test_any_cut_gives_the_same(lines: list[Line], cuts: set[int], batch: int) -> None:
    assert played(lines, cuts, batch) == played(lines)


@TRIED
@given(logs(), SHUFFLE, CUTS)
def test_any_interleaving_of_topics_and_partitions_gives_the_same(
    lines: list[Line], shuffle: random.Random, cuts: set[int]
) -> None:
    assert played(interleaved(lines, shuffle), cuts) == played(lines)


@TRIED
@given(logs(), st.lists(st.tuples(st.integers(0, 30), BAD_LINE), max_size=10), CUTS)
def test_bad_events_between_change_nothing_and_each_is_set_aside(
    lines: list[Line], rubbish: list[tuple[int, Line]], cuts: set[int]
) -> None:
    mixed = list(lines)
    for place, line in rubbish:
        mixed.insert(place, Line(line.kind, line.identity, line.value, (), line.bad) if not line.good else line)
    found, clean = played(mixed, cuts), played(without_bad(mixed))
    assert found.digest == clean.digest
    assert len(found.dead) == sum(line.bad for line in mixed)
    assert not clean.dead
    assert found.counts["dead_letters"] == sum(line.bad for line in mixed if line.is_interaction)


@TRIED
@given(logs(), CUTS, st.integers(2, 3))
def test_the_whole_log_again_adds_duplicates_only(lines: list[Line], cuts: set[int], times: int) -> None:
    named = with_event_ids(lines)
    once, again = played(named), played(named * times, cuts)
    events = sum(len(line.good) for line in named if line.is_interaction)
    assert again.digest == once.digest
    assert once.counts["applied"] + once.counts["duplicates"] == events
    assert again.counts["applied"] == once.counts["applied"]
    assert again.counts["duplicates"] == once.counts["duplicates"] + (times - 1) * events


@TRIED
@given(logs(), logs(most=3))
def test_one_more_accepted_event_is_another_state(lines: list[Line], more: list[Line]) -> None:
    before, after = played(lines), played(lines + more)
    if after.counts["applied"] > before.counts["applied"]:
        assert after.digest != before.digest
