"""Lists meet their choices: in any order, once, within bounds, without a trace of who was forgotten."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import methodcaller

import pytest

from benchmarks.shown_lists import START_MS, decision
from online_models import choices as bounds
from online_models.choices import KEEP_MS, WAIT_MS, Choices
from online_models.choices_state import restore, state_of
from online_models.click_features import item_bucket
from online_models.held_lists import UNSEEN
from online_models.state import pack, unpack

ITEMS = ("i1", "i2", "i3")
Move = Callable[[Choices], None]


def serve(choices: Choices, request_id: str = "r1", user: str | None = "u1", at: int = START_MS) -> None:
    choices.served(decision(request_id, user, ITEMS, [[3.0], [2.0], [1.0]], at))


def bits(choices: Choices) -> bytes:
    return pack(state_of(choices))


def learned(choices: Choices) -> dict[str, float]:
    return choices.model.weights()


def rewards(choices: Choices, request_id: str = "r1") -> list[float]:
    return choices.lists[request_id].rewards


def test_a_choice_teaches_the_list_once_and_the_item_besides() -> None:
    choices = Choices()
    serve(choices)
    assert choices.model.version == 0
    choices.chosen("r1", "u1", "i2", 1.0)
    assert rewards(choices) == [0.0, 1.0, 0.0]
    assert (choices.count, choices.model.version) == (1.0, len(ITEMS) + 1)
    before = learned(choices)
    choices.chosen("r1", "u1", "i2", 1.0)  # delivered again
    serve(choices)  # read again
    assert (choices.count, learned(choices)) == (1.0, before)


def test_what_is_worth_more_adds_the_difference() -> None:
    both, at_once = Choices(), Choices()
    for choices in (both, at_once):
        serve(choices)
    both.chosen("r1", "u1", "i2", 1.0)
    both.chosen("r1", "u1", "i2", 3.0)
    at_once.chosen("r1", "u1", "i2", 3.0)
    at_once.chosen("r1", "u1", "i2", 1.0)
    assert rewards(both) == rewards(at_once) == [0.0, 3.0, 0.0]
    assert both.count == at_once.count == 1.0


def test_a_choice_that_is_read_before_its_list_waits_for_it() -> None:
    early, late = Choices(), Choices()
    early.chosen("r1", "u1", "i2", 1.0)
    assert early.model.version == 0
    serve(early)
    serve(late)
    late.chosen("r1", "u1", "i2", 1.0)
    assert bits(early) == bits(late)


@pytest.mark.parametrize(
    "move",
    [
        lambda choices: choices.chosen("r1", "u2", "i2", 1.0),
        lambda choices: choices.chosen("r1", "u1", "i9", 1.0),
        lambda choices: choices.chosen("r9", "u1", "i2", 1.0),
        lambda choices: choices.impression("r1", "u2", ["i2"], True),
    ],
)
def test_what_belongs_to_no_list_of_theirs_teaches_nothing(move: Move) -> None:
    choices = Choices()
    serve(choices)
    move(choices)
    assert (choices.count, choices.model.version, choices.reports) == (0.0, 0, 0)


def test_only_what_was_seen_teaches_where_impressions_are_sent() -> None:
    choices = Choices()
    serve(choices)
    choices.impression("r1", "u1", ["i3", "i1"], True)
    held = choices.lists["r1"]
    assert rewards(choices) == [0.0, UNSEEN, 0.0]
    assert (held.places[2], held.places[0]) == (0, 1)  # as the client showed them
    choices.impression("r1", "u1", ["i2"], True)  # the user scrolled
    assert (rewards(choices), held.places[1]) == ([0.0, 0.0, 0.0], 2)
    assert choices.model.version == 3


def test_a_single_item_is_seen_at_its_place_in_the_list() -> None:
    choices = Choices()
    serve(choices)
    choices.impression("r1", "u1", ["i2"], False)
    assert (rewards(choices), choices.lists["r1"].places) == ([UNSEEN, 0.0, UNSEEN], [0, 1, 2])
    choices.chosen("r1", "u1", "i3", 1.0)
    assert rewards(choices) == [UNSEEN, 0.0, 1.0]


def test_an_unanswered_list_teaches_after_a_while_where_choices_are_sent_and_impressions_are_not() -> None:
    def played(impression: bool, choice: bool) -> list[float]:
        choices = Choices()
        serve(choices, "r0")
        serve(choices, "r1", at=START_MS + 1)
        if impression:
            choices.impression("r0", "u1", ITEMS, True)
        if choice:
            choices.chosen("r0", "u1", "i1", 1.0)
        for n in range(20):  # the clock is a median of the last lists' times
            serve(choices, f"later{n}", at=START_MS + WAIT_MS + 2)
        return rewards(choices)

    assert played(impression=False, choice=True) == [0.0] * 3
    assert played(impression=False, choice=False) == [UNSEEN] * 3
    assert played(impression=True, choice=True) == [UNSEEN] * 3


def test_a_choice_counts_for_a_week_and_not_longer() -> None:
    choices = Choices()
    serve(choices)
    for n in range(20):
        serve(choices, f"later{n}", "u2", at=START_MS + KEEP_MS - 1)
    choices.chosen("r1", "u1", "i2", 3.0)
    assert choices.count == 1.0
    for n in range(20):
        serve(choices, f"last{n}", "u2", at=START_MS + KEEP_MS + 1)
    assert "r1" not in choices.lists


def test_one_wrong_clock_drops_nothing() -> None:
    choices = Choices()
    for n in range(20):
        serve(choices, f"r{n}", at=START_MS + n)
    serve(choices, "wrong", at=253_402_300_799_999)
    serve(choices, "right", at=START_MS + 30)
    assert len(choices.lists) == 22
    choices.chosen("right", "u1", "i1", 1.0)
    for n in range(20):
        serve(choices, f"later{n}", at=START_MS + WAIT_MS + 100)
    assert rewards(choices, "wrong") == rewards(choices, "r0") == [0.0] * 3  # and holds nobody up


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "EARLY", 30)
    monkeypatch.setattr(bounds, "PAIRS", 10)
    choices = Choices(keep=40)
    for n in range(200):
        serve(choices, f"r{n}", f"u{n}")
        choices.chosen(f"r{n}", f"u{n}", "i1", 1.0)
        choices.chosen(f"unknown{n}", f"u{n}", "i1", 1.0)
    assert list(choices.lists) == [f"r{n}" for n in range(160, 200)]
    assert sum(map(len, choices.early.values())) <= 30
    assert sum(map(len, choices.pairs.values())) <= 10
    assert len(state_of(choices)["lists"]) == 40


def test_one_account_counts_ever_less_and_lifts_no_item_by_itself() -> None:
    many, one = Choices(), Choices()
    for n in range(400):
        for choices, user in ((many, f"u{n}"), (one, "bot")):
            serve(choices, f"r{n}", user)
            choices.chosen(f"r{n}", user, "i3", 1.0)
    assert many.count == 400.0
    assert one.count < 160.0
    own = str(item_bucket("i3"))
    lifts = [choices.model.published(choices.count)["items"][own] for choices in (many, one)]
    assert lifts[1] < 0.5 * lifts[0]


def test_a_list_for_nobody_is_theirs_who_answers_it_first() -> None:
    choices = Choices()
    serve(choices, user=None)
    choices.chosen("r1", "u1", "i2", 1.0)
    choices.chosen("r1", "u2", "i3", 1.0)
    assert rewards(choices) == [0.0, 1.0, 0.0]
    assert not choices.model.published(1.0)["items"]  # under no name no item is lifted
    choices.forget("u1", START_MS)
    assert not choices.lists
    for n in range(400):
        serve(choices, f"more{n}", user=None)
        choices.chosen(f"more{n}", "bot", "i3", 1.0)
    assert choices.count < 160.0


def test_who_was_forgotten_leaves_no_lists_and_no_waiting_choices() -> None:
    choices = Choices()
    serve(choices, "mine", "u1")
    serve(choices, "later", "u1", at=START_MS + 10)
    serve(choices, "other", "u2")
    choices.chosen("mine", "u1", "i1", 1.0)
    choices.chosen("unknown", "u1", "i1", 1.0)
    choices.chosen("unknown too", "u2", "i1", 1.0)
    choices.forget("u1", START_MS + 5)
    assert set(choices.lists) == {"later", "other"}
    assert set(choices.early) == {"unknown too"}
    assert b'"u1"' not in pack({**state_of(choices), "lists": []})
    before = learned(choices)
    choices.chosen("mine", "u1", "i2", 3.0)
    assert learned(choices) == before


def test_a_restart_goes_on_to_the_same_bits() -> None:
    moves: list[Move] = []
    for n in range(60):
        user = f"u{n % 7}"
        moves.append(partial(serve, request_id=f"r{n}", user=user, at=START_MS + n * 60_000))
        if n % 3 == 0:
            moves.append(methodcaller("chosen", f"r{n}", user, ITEMS[n % 2], 1.0 + n % 2))
        if n % 5 == 0:
            moves.append(methodcaller("chosen", f"r{n + 4}", f"u{(n + 4) % 7}", "i2", 1.0))
        if n % 11 == 10:
            moves.append(methodcaller("impression", f"r{n}", user, ITEMS[:2], True))
    whole, first = Choices(), Choices()
    for move in moves:
        move(whole)
    for move in moves[:70]:
        move(first)
    second = Choices()
    restore(second, unpack(bits(first)))
    assert bits(second) == bits(first)
    for move in moves[70:]:
        move(second)
    assert bits(second) == bits(whole)


def test_asking_changes_nothing() -> None:
    choices = Choices()
    serve(choices)
    choices.chosen("r1", "u1", "i2", 1.0)
    before = bits(choices)
    choices.model.published(choices.count)
    choices.model.examination(50)
    choices.model.weights()["made up"] = 1.0
    assert bits(choices) == before
