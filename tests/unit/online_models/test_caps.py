"""Caps: what is kept stays bounded, what leaves is a function of the log, and what people come back to stays."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.caps import Caps
from online_models.kernels import ROW_CAP, ROW_FULL, SCALE
from online_models.partition_state import PartitionState
from online_models.rings import UserRow
from online_models.user_queue import QueueChanges, UserQueue
from recommender.events import Interaction
from tests.unit.online_models.rows import Rows

EXAMPLES = int(os.environ.get("COLDSPRING_TEST_EXAMPLES", "60"))
SMALL = Caps(users=3, items=6)


def click(user: str, item: str, at: int = 1_000, kind: str = "click", **more: object) -> Interaction:
    return Interaction(user, kind, at, item, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Erase:
    user: str
    until: int


Entry = Interaction | Erase
USERS = st.sampled_from([f"u{n}" for n in range(8)])
ITEMS = st.sampled_from([f"i{n}" for n in range(20)])
TIMES = st.integers(1, 10**10)
ENTRIES = st.lists(
    st.one_of(
        st.builds(click, USERS, ITEMS, TIMES, st.sampled_from(["view", "click", "like", "dislike", "hide"])),
        st.builds(click, USERS, ITEMS, TIMES, event_id=st.sampled_from([f"e{n}" for n in range(9)])),
        st.builds(
            lambda user, at, items: Interaction(user, "impression", at, items=items),
            USERS, TIMES, st.lists(ITEMS, min_size=1, max_size=4),
        ),
        st.builds(Erase, USERS, TIMES),
    ),
    max_size=80,
)  # fmt: skip


def play(entries: list[Entry], cuts: frozenset[int], caps: Caps) -> Rows:
    """Fold the entries, what changed being written at the end only.

    With cuts it is written after every batch and forget, few users are kept in hand, and the state is opened again at
    every other cut.
    """
    rows = Rows()
    max_users = 2 if cuts else 10_000
    until: dict[str, int] = {}

    def forgotten(user_id: str) -> int:
        return until.get(user_id, 0)

    state = PartitionState(source=rows, dedupe=10, max_users=max_users, forgotten=forgotten, caps=caps)
    waiting: list[Interaction] = []
    for place, entry in enumerate([*entries, None]):
        # A forget is of another topic, so of another batch.
        if place in cuts or not isinstance(entry, Interaction):
            state.fold(waiting)
            waiting = []
        if isinstance(entry, Erase):
            until[entry.user] = max(entry.until, until.get(entry.user, 0))
            state.erase(entry.user, until[entry.user])
        if cuts and not waiting:
            rows.keep(state.take_changes())
            if place in cuts and place % 2:
                state = rows.reopened(state, 10, max_users, caps, forgotten)
        if isinstance(entry, Interaction):
            waiting.append(entry)
    rows.keep(state.take_changes())
    return rows


@settings(max_examples=EXAMPLES, deadline=None)
@given(ENTRIES, st.frozensets(st.integers(0, 80), max_size=20), st.integers(1, 4), st.integers(1, 9))
def test_what_leaves_does_not_depend_on_cuts_and_restarts(
    entries: list[Entry], cuts: frozenset[int], users: int, items: int
) -> None:
    caps = Caps(users, items)
    whole = play(entries, frozenset(), caps)
    parts = play(entries, cuts, caps)
    assert parts.everything() == whole.everything()


@settings(max_examples=EXAMPLES, deadline=None)
@given(ENTRIES, st.frozensets(st.integers(0, 80), max_size=10))
def test_no_more_is_kept_than_the_caps_allow_and_nothing_is_left_behind(
    entries: list[Entry], cuts: frozenset[int]
) -> None:
    rows = play(entries, cuts, SMALL)
    live = {index for index, name in enumerate(rows.names) if name}
    assert len(live) <= SMALL.items
    assert set(rows.stats) == live
    assert set(rows.rows) <= live
    assert sorted(entry.partition(" ")[2] for entry in rows.queue) == sorted(rows.users)
    assert len(rows.users) <= SMALL.users


def test_what_people_come_back_to_survives_a_flood_of_one_off_ids() -> None:
    rng = random.Random(1)
    rows = Rows()
    state = PartitionState(source=rows, caps=Caps(items=320))
    for round_ in range(50):
        now = 10**12 + round_ * 3_600_000
        loved = [click(f"u{rng.randrange(60)}", f"loved{n}", now) for n in range(100)]
        flood = [click(f"b{round_}-{n}", f"once{round_}-{n}", now) for n in range(200)]
        events = loved + flood
        rng.shuffle(events)
        state.fold(events)
        rows.keep(state.take_changes())
    assert {f"loved{n}" for n in range(100)} <= set(rows.names)
    assert state.dictionary.live <= 320
    row = state.rows.row(state.dictionary.index["loved0"])
    names = [state.dictionary.names[item] for item in row[:, 0].tolist()]
    assert sum(name.startswith("loved") for name in names) > 50


def test_who_comes_back_survives_a_flood_of_one_off_users() -> None:
    state = PartitionState(caps=Caps(users=200))
    for round_ in range(40):
        state.fold([click(f"regular{n}", f"i{(round_ + n) % 30}", 1_000 + round_) for n in range(20)])
        state.fold([click(f"once{round_}-{n}", "i1", 1_000 + round_) for n in range(100)])
    for n in range(20):
        row = state.user(f"regular{n}")
        assert row is not None
        assert row.total == 40
    assert len(state.queue) == 200
    assert state.user("once0-0") is None


def test_an_evicted_user_leaves_what_they_added_and_comes_back_as_new() -> None:
    state = PartitionState(caps=Caps(users=1))
    state.fold([click("u", "a"), click("u", "b"), click("v", "a"), click("u", "c")])
    row = state.user("u")
    assert row is not None
    assert [state.dictionary.names[i] for i in row.items.tolist()] == ["c"]
    assert state.user("v") is None
    assert state.stats.table["counted"][:3].tolist() == [2 * SCALE, SCALE, SCALE]
    assert state.take_changes().users.keys() == {"u", "v"}


def test_an_item_that_gave_its_place_up_counts_for_nothing_and_comes_back_as_new() -> None:
    state = PartitionState(caps=Caps(items=2))
    state.fold([click("u", "a"), click("u", "b"), click("w", "b"), click("u", "c")])
    # a had the least attention when c came; u's ring still has its index.
    assert state.dictionary.names == ["", "b", "c"]
    row = state.rows.row(2)
    assert row[:, 0].tolist() == [1]
    changes = state.take_changes()
    assert (changes.gone, changes.names) == ([0], ["", "b", "c"])
    state.fold([click("x", "c"), click("u", "a")])
    assert state.dictionary.index["a"] == 3


def test_an_impression_with_more_items_than_places_keeps_them_until_the_next() -> None:
    state = PartitionState(caps=Caps(items=2))
    state.fold([click("u", "a"), Interaction("u", "impression", 1_000, items=["a", "b", "c", "d"])])
    assert sorted(state.dictionary.index) == ["a", "b", "c", "d"]
    state.fold([click("u", "e")])
    assert sorted(state.dictionary.index) == ["a", "e"]


def test_a_full_row_lets_the_dead_go_first() -> None:
    state = PartitionState(caps=Caps(items=ROW_FULL + 40))
    ids = [f"i{n:03}" for n in range(ROW_FULL - 2)]
    for n, item in enumerate(ids):  # early ones are heavy in hub's row, but have the least attention later
        heavy = "purchase" if n < ROW_CAP else "click"
        state.fold([click(f"u{n}", item, 1_000, heavy), click(f"u{n}", "hub", 1_000)])
    day = 86_400_000
    state.fold([click(f"u{n}", item, 200 * day) for n, item in enumerate(ids) if n >= ROW_CAP])
    for n in range(270):  # flood until the early ones have given their places up
        state.fold([click("w", f"once{n}", 200 * day)])
    hub = state.dictionary.index["hub"]
    for n in range(8):
        state.fold([click(f"x{n}", f"fresh{n}", 200 * day), click(f"x{n}", "hub", 200 * day)])
    names = [state.dictionary.names[i] for i in state.rows.row(hub)[:, 0].tolist()]
    assert {f"fresh{n}" for n in range(8)} <= set(names)


@pytest.mark.parametrize(("influence", "counted", "weight"), [(8, 2.7178, 2.7178), (3, 1.8333, 1.8333), (0, 300, 300)])
def test_one_account_reaches_only_so_far(influence: int, counted: float, weight: float) -> None:
    state = PartitionState(caps=Caps(influence=influence))
    state.fold([click("other", "b"), *(click("u", "a", 1_000 + n) for n in range(300))])
    counts = state.stats.table[state.dictionary.index["a"]]
    assert counts["counted"] / SCALE == pytest.approx(counted, abs=1e-3)
    assert counts["count"] / SCALE == pytest.approx(weight, abs=1e-3)
    assert counts["popularity"][3] == pytest.approx(weight, abs=1e-3)
    assert counts["by_type"].sum() == 300
    row = state.user("u")
    assert row is not None
    assert len(row.items) == 200


def test_each_type_of_event_counts_on_its_own_and_dislikes_are_capped_too() -> None:
    state = PartitionState()
    state.fold([click("u", "a", kind=kind) for kind in ("view", "click", "cart", "purchase")])
    counts = state.stats.table[state.dictionary.index["a"]]
    assert counts["count"] / SCALE == pytest.approx(0.2 + 1 + 2 + 3)
    state.fold([click("v", "b", kind="dislike") for _ in range(500)])
    assert state.stats.table[state.dictionary.index["b"]]["count"] / SCALE == pytest.approx(-2.7178, abs=1e-3)


def test_pairs_are_capped_as_counts_are() -> None:
    state = PartitionState()
    state.fold([click("u", "loved"), *(click("u", "spam", 1_000 + n) for n in range(100))])
    index = state.dictionary.index
    row = {j: c / SCALE for j, c, _ in state.rows.row(index["loved"]).tolist()}
    assert row[index["spam"]] == pytest.approx(2.7178, abs=1e-3)


@pytest.mark.parametrize("bad", [{"users": 0}, {"items": 0}, {"influence": 11}, {"influence": -1}])
def test_a_cap_out_of_range_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"kept|influence"):
        Caps(**bad)


def test_memory_stays_bounded_under_a_flood_of_distinct_ids() -> None:
    rows = Rows()
    caps = Caps(users=500, items=400)
    state = PartitionState(source=rows, dedupe=1_000, max_users=1_000, caps=caps)
    flood = 50_000
    for begin in range(0, flood, 1_000):
        state.fold([click(f"user-{n}", f"item-{n}", 1_000 + n, event_id=f"e{n}") for n in range(begin, begin + 1_000)])
        rows.keep(state.take_changes())
    assert (len(rows.users), len(rows.queue), len(rows.stats)) == (500, 500, 400)
    assert len(rows.rows) <= 400
    assert sum(bool(name) for name in rows.names) == 400
    assert len(state.dictionary.index) == 400
    # In hand: at most max_users and one batch with those it evicts.
    assert len(state.users.ids) <= 1_000 + 2 * 1_000
    # What is left of an item that gave its place up.
    arrays = [state.stats.table, state.dictionary.tie, state.items.dirty, state.items._in_hand]
    arrays += [state.rows.offset, state.rows.length, state.rows.room]
    left = sum(array.nbytes / len(array) for array in arrays)
    assert left < 180
    assert state.rows.entries.nbytes < 5_000_000
    last = UserRow.from_bytes(rows.users[f"user-{flood - 1}"])
    assert np.asarray(last.times).tolist() == [1_000 + flood - 1]


def test_who_is_out_of_the_queue_already_is_no_error() -> None:
    queue = UserQueue(["1 u1"])
    queue.remove("u2")
    assert (list(queue), queue.take_changes()) == (["1 u1"], QueueChanges())
