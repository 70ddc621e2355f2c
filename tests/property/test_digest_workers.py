"""The digest, the counts and the dead letters are the same whatever happens to workers and store."""

import asyncio
import gc
import json
from unittest import mock

from faust.types import TP
from hypothesis import example, given
from hypothesis import strategies as st

from online_models.caps import Caps
from tests.property.examples import TRIED
from tests.property.logs import Line, logs, short_or_long, without_forgotten
from tests.property.played import Outcome, played
from tests.property.site import Site, told
from tests.property.story import Event, Move, Renumber, Restart, Sizes, Store, Take, Unlearn
from tests.property.worker import PLACES

WORKERS = 4
CRASHES = [
    "fold.before",
    "fold.after",
    "dead.after",
    "examples.before",
    "commit.before",
    "commit.after",
    "views.after",
]
PLACE = st.sampled_from(PLACES)
WORKER = st.integers(0, WORKERS - 1)
SIZE = st.integers(1, 12)


MOVE = st.builds(Move, st.booleans(), st.integers(0, 1), WORKER, st.booleans())
RESTART = st.builds(Restart, WORKER)
LOSS = st.builds(Store, st.sampled_from(["keep", "lose", "flush"]))
TROUBLES = ["away", "reply lost"]
UNLEARN = st.builds(
    Unlearn, WORKER, st.integers(0, 1), st.sampled_from([None, None, "begin", "catch_up", "finish", *TROUBLES])
)
RENUMBER = st.builds(Renumber, WORKER, st.integers(0, 1), st.sampled_from([None] * 4 + ["crash", *TROUBLES]))
CAPS = st.builds(Caps, st.integers(1, 3), st.integers(1, 4), st.integers(0, 3))
RENUMBER_ONE = st.builds(Renumber, st.just(0), st.integers(0, 1), st.sampled_from([None] * 6 + ["crash", *TROUBLES]))
SIZES = st.builds(Sizes, st.integers(1, 4), st.integers(1, 3), CAPS)


def takes(worker: st.SearchStrategy[int], *faults: str) -> st.SearchStrategy[Event]:
    return st.builds(Take, worker, PLACE, SIZE, st.integers(-3, 6), st.sampled_from([None, *faults]))


def stories(*events: st.SearchStrategy[Event]) -> st.SearchStrategy[list[Event]]:
    return short_or_long(st.one_of(*events))


def line(kind: str, user: str) -> Line:
    body = {"user_id": user, "timestamp": 1, "text": "about me", "item_id": "i1", "type": "click"}
    value = json.dumps(body).encode()
    return Line(kind, user, value, (value,))


def happened(site: Site, story: list[Event]) -> Outcome:
    with mock.patch("streams.steps.FIRST_PAUSE_S", 0.0):
        asyncio.run(told(site, story))
    return site.outcome()


def forget_the_last_example() -> None:
    """Crashed workers are cycles that hold large arrays. What is left then is Hypothesis' own: not to be looked through
    at every example."""
    gc.collect()
    gc.freeze()


def check(lines: list[Line], story: list[Event], workers: int = 1) -> None:
    forget_the_last_example()
    assert happened(Site(lines, workers), story) == played(lines)


@TRIED
@given(logs(), stories(takes(st.just(0))))
def test_any_repeat_of_deliveries_gives_the_same(lines: list[Line], story: list[Event]) -> None:
    check(lines, story)


@TRIED
@given(logs(), stories(takes(st.just(0), *CRASHES, *TROUBLES), st.just(Restart(0))))
def test_any_crash_and_any_lost_reply_gives_the_same(lines: list[Line], story: list[Event]) -> None:
    check(lines, story)


@TRIED
@given(logs(), stories(takes(WORKER), takes(WORKER, *CRASHES, *TROUBLES), MOVE, RESTART))
def test_one_to_four_workers_and_late_ones_give_the_same(lines: list[Line], story: list[Event]) -> None:
    check(lines, story, WORKERS)


@TRIED
@given(logs(), stories(takes(WORKER), takes(WORKER, *CRASHES, *TROUBLES), MOVE, LOSS))
@example(
    [line("profile", "u1"), line("interaction", "u1")],
    [Take(0, TP("profiles", 0)), Store("flush"), Take(0, TP("interactions", 0))],
)  # the click's refused write brought the clicks back, and no profile
@example(
    [line("profile", "u1"), line("interaction", "u1")],
    [Take(0, TP("profiles", 0)), Store("flush"), Take(0, TP("interactions", 0), fault="away")],
)  # the click's second try found the emptied store, was written to it, and no profile
def test_a_store_that_loses_writes_or_everything_gives_the_same(lines: list[Line], story: list[Event]) -> None:
    check(lines, story, WORKERS)


@TRIED
@given(logs(forgets=True), stories(takes(WORKER), takes(WORKER, *CRASHES, *TROUBLES), MOVE, LOSS, UNLEARN))
def test_forgets_through_all_of_it_leave_the_log_without_the_events(lines: list[Line], story: list[Event]) -> None:
    check(lines, story, WORKERS)
    assert played(lines).digest == played(without_forgotten(lines)).digest


@TRIED
@given(
    logs(forgets=True),
    stories(takes(WORKER), takes(WORKER, *CRASHES, *TROUBLES), MOVE, LOSS, UNLEARN, RENUMBER),
    SIZES,
)
def test_what_is_bounded_is_bounded_alike(lines: list[Line], story: list[Event], sizes: Sizes) -> None:
    forget_the_last_example()
    undisturbed = happened(Site(lines, sizes=sizes, most=1_000), [])
    assert happened(Site(lines, WORKERS, sizes), story) == undisturbed


@TRIED
@given(
    logs(forgets=True),
    stories(takes(st.just(0)), takes(st.just(0), *CRASHES, *TROUBLES), RENUMBER_ONE, RENUMBER_ONE),
    SIZES,
    st.sampled_from([1_000, 2]),
)
def test_other_numbers_at_any_moment_give_the_same(
    lines: list[Line], story: list[Event], sizes: Sizes, refusals: int
) -> None:
    forget_the_last_example()
    with mock.patch("online_models.rings.MAX_REFUSALS", refusals):
        undisturbed = happened(Site(lines, sizes=sizes, most=1_000), [])
        assert happened(Site(lines, sizes=sizes), story) == undisturbed
