"""The exact tier: what one event does, and that batch cuts, restarts and evictions change nothing."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.caps import Caps
from online_models.kernels import ROW_CAP, ROW_FULL, SCALE
from online_models.partition_state import PartitionState
from online_models.rings import DISLIKED, HIDDEN, UserRow
from recommender.events import Interaction
from tests.unit.online_models.rows import Rows

HOUR = 3_600_000


def click(user: str, item: str, at: int = 1_000, kind: str = "click", **more: object) -> Interaction:
    return Interaction(user, kind, at, item, **more)  # type: ignore[arg-type]


def neighbours(state: PartitionState, item: str) -> dict[str, tuple[float, float]]:
    names = state.dictionary.names
    row = state.rows.row(state.dictionary.index[item])
    return {names[j]: (c / SCALE, t / SCALE) for j, c, t in row.tolist()}


def test_an_event_counts_with_the_items_before_it() -> None:
    state = PartitionState()
    state.fold([click("u", "a"), click("u", "b"), click("u", "c", kind="like")])
    # c weighs 2: with b at distance 0 and a at distance 1; the order part goes from the earlier to the later.
    assert neighbours(state, "a") == {"b": (1.0, 1.0), "c": (2.0, 1.0)}
    assert neighbours(state, "b") == {"a": (1.0, 0.0), "c": (2.0, 2.0)}
    assert neighbours(state, "c") == {"b": (2.0, 0.0), "a": (2.0, 0.0)}
    counts = state.stats.table[state.dictionary.index["c"]]
    assert counts["count"] == 2 * SCALE
    assert counts["by_type"][state.types.codes["like"]] == 1


def test_a_disliked_item_speaks_for_nothing() -> None:
    state = PartitionState()
    state.fold([click("u", "a", kind="dislike"), click("u", "b")])
    assert neighbours(state, "a") == {}
    assert neighbours(state, "b") == {}


def test_refusals_are_kept_and_a_choice_ends_a_dislike_but_no_hide() -> None:
    state = PartitionState()
    state.fold([click("u", "a", kind="dislike"), click("u", "b", kind="hide"), click("u", "c", kind="dislike")])
    state.fold([click("u", "a"), click("u", "b")])
    row = state.user("u")
    assert row is not None
    index = state.dictionary.index
    assert row.refused == {index["b"]: HIDDEN, index["c"]: DISLIKED}


def test_an_impression_counts_but_enters_no_ring() -> None:
    state = PartitionState()
    state.fold([Interaction("u", "impression", 1, items=["a", "b"])])
    assert state.user("u") is None
    code = state.types.codes["impression"]
    assert [int(state.stats.table[i]["by_type"][code]) for i in range(2)] == [1, 1]


def test_the_first_event_of_an_id_wins() -> None:
    state = PartitionState()
    folded = state.fold([click("u", "a", event_id="1"), click("u", "b", event_id="1"), click("u", "c")])
    assert (len(folded.learned), folded.duplicates) == (2, 1)
    assert "b" not in state.dictionary.index


def test_the_window_of_ids_has_its_length() -> None:
    state = PartitionState(dedupe=2)
    ids = ["1", "2", "3", "1", "3"]
    folded = state.fold([click("u", "a", event_id=name) for name in ids])
    assert folded.duplicates == 1  # "1" had left the window of two, "3" had not


def test_a_wrong_clock_does_no_lasting_harm() -> None:
    def popularity(years: int) -> list[float]:
        state = PartitionState()
        state.fold([click("u", "a", at=10**12 + n * HOUR) for n in range(20)])
        state.fold([click("v", "b", at=253402300799999 if years else 10**12 + 20 * HOUR)])
        state.fold([click("u", "a", at=10**12 + n * HOUR) for n in range(21, 40)])
        row: list[float] = state.stats.table[state.dictionary.index["a"]]["popularity"].tolist()
        return row

    np.testing.assert_allclose(popularity(9999), popularity(0), rtol=0.15)


def test_a_late_event_counts_at_its_own_time() -> None:
    state = PartitionState()
    state.fold([click("u", "a", at=10**12) for _ in range(20)])
    state.fold([click("v", "late", at=10**12 - 8 * 24 * HOUR)])
    day = state.stats.table[state.dictionary.index["late"]]["popularity"][1]
    assert 0.0 < day < 2.0**-7


def test_what_is_ahead_of_the_clock_waits_for_it() -> None:
    night, hour = 8, 3_600_000
    state = PartitionState()
    state.fold([click("u", "evening", at=10**12) for _ in range(20)])
    state.fold([click("u", "morning", at=10**12 + night * hour), click("v", "morning", at=10**12 + (night + 3) * hour)])
    assert state.clock.now == 10**12
    row = state.stats.table[state.dictionary.index["morning"]]
    at = 10**12 + (night + 3) * hour
    assert (row["ahead"][0], row["ahead_at"], row["popularity"][0]) == (pytest.approx(1.5), at, 0.0)
    state.fold([click(f"w{n}", "noon", at=10**12 + (night + 6) * hour) for n in range(15)])
    state.fold([click("x", "morning", at=10**12 + (night + 6) * hour)])
    row = state.stats.table[state.dictionary.index["morning"]]
    assert (row["popularity"][0], row["ahead"][0], row["ahead_at"]) == (pytest.approx(1.75), 0.0, 0)


def test_a_full_row_keeps_the_heaviest() -> None:
    state = PartitionState()
    heavy = [f"h{n}" for n in range(ROW_CAP)]
    for n, item in enumerate(heavy):
        state.fold([click(f"u{n}-{k}", i) for k in range(2) for i in (item, "hub")])
    state.fold([click(f"l{n}", i) for n in range(ROW_FULL - ROW_CAP) for i in (f"light{n}", "hub")])
    assert set(neighbours(state, "hub")) == set(heavy)


EVENTS = st.lists(
    st.builds(
        click,
        st.sampled_from(["u1", "u2", "u3", "u4"]),
        st.sampled_from([f"i{n}" for n in range(12)]),
        st.integers(1, 10**13),
        st.sampled_from(["view", "click", "like", "dislike", "hide", "purchase"]),
        event_id=st.one_of(st.none(), st.sampled_from([f"e{n}" for n in range(30)])),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.lists(st.integers(0, 60), max_size=8), st.integers(1, 4))
def test_cuts_restarts_and_evictions_change_nothing(events: list[Interaction], cuts: list[int], max_users: int) -> None:
    whole = Rows()
    state = PartitionState(source=whole, dedupe=10)
    state.fold(events)
    whole.keep(state.take_changes())

    parts = Rows()
    state = PartitionState(source=parts, dedupe=10, max_users=max_users)
    places = [0, *sorted(cuts), len(events)]
    for begin, end in itertools.pairwise(places):
        state.fold(events[begin:end])
        parts.keep(state.take_changes())
        state = parts.reopened(state, dedupe=10, max_users=max_users, caps=Caps())
    assert parts.everything() == whole.everything()


def test_a_user_row_survives_its_bytes() -> None:
    state = PartitionState()
    state.fold([click("u", f"i{n % 7}", at=1_000 + n, kind="hide" if n % 5 == 0 else "click") for n in range(300)])
    row = state.user("u")
    assert row is not None
    again = UserRow.from_bytes(row.to_bytes())
    assert again.to_bytes() == row.to_bytes()
    assert (row.total, len(row.items)) == (300, 200)


def test_an_erased_user_is_deleted_and_comes_back_with_what_is_later() -> None:
    rows = Rows()
    state = PartitionState(source=rows)
    state.fold([click("u", "a", at=1_000), click("u", "b", kind="hide"), click("v", "a")])
    rows.keep(state.take_changes())
    state.erase("u", 2_000)
    assert state.user("u") is None
    assert state.take_changes().users == {"u": None}
    folded = state.fold([click("u", "c", at=2_000), click("u", "d", at=2_001)])
    row = state.user("u")
    assert row is not None
    assert [state.dictionary.names[i] for i in row.items.tolist()] == ["d"]
    assert (folded.forgotten, len(folded.learned), row.refused) == (1, 1, {})


def test_an_erased_user_who_acts_again_in_the_same_batch_is_written_fresh() -> None:
    state = PartitionState()
    state.fold([click("u", "a", at=1_000)])
    state.erase("u", 1_500)
    state.erase("u", 1_000)  # an earlier command changes nothing
    state.fold([click("u", "late", at=1_400), click("u", "b", at=1_600)])
    data = state.take_changes().users["u"]
    assert data is not None
    row = UserRow.from_bytes(data)
    assert [state.dictionary.names[i] for i in row.items.tolist()] == ["b"]


def test_a_forgotten_users_late_event_has_no_effect_at_all() -> None:
    asked: list[str] = []

    def forgotten(user_id: str) -> int:
        asked.append(user_id)
        return 2_000 if user_id == "gone" else 0

    state = PartitionState(forgotten=forgotten)
    late = [click("gone", f"late{n}", at=1_000 + n, event_id=f"e{n}") for n in range(3)]
    folded = state.fold([*late, click("u", "a", at=5_000)])
    state.fold([click("u", "b", at=6_000, event_id="e0"), click("gone", "c", at=2_000)])
    assert folded.forgotten == 3
    assert state.dictionary.names == ["a", "b"]
    assert state.clock.times == [5_000, 6_000]
    assert state.seen_ids.accepted == 1
    assert set(state.take_changes().users) == {"u"}
    assert asked == ["gone", "u"]
