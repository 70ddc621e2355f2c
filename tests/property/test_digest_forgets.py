"""A log with forgets has the digest of the log without what they name, whatever came when."""

import json
import random

from hypothesis import example, given
from hypothesis import strategies as st

from tests.property.examples import TRIED
from tests.property.logs import Line, logs, without_forgotten
from tests.property.played import played
from tests.property.test_digest_order import CUTS, interleaved

LOGS = logs(forgets=True)


def profile(user: str, at: int, *same_as: str) -> Line:
    value = json.dumps({"user_id": user, "timestamp": at, "text": f"at {at}", "same_as": same_as}).encode()
    return Line("profile", user, value, (value,))


def forget(user: str, at: int) -> Line:
    value = json.dumps({"user_id": user, "timestamp": at}).encode()
    return Line("forget", user, value, (value,))


def click(user: str, at: int) -> Line:
    value = json.dumps({"user_id": user, "item_id": "i1", "type": "click", "timestamp": at}).encode()
    return Line("interaction", user, value, (value,))


@TRIED
@given(LOGS, CUTS)
@example([profile("u1", 5), profile("u1", 3), forget("u1", 4)], {1, 2})  # the first of the profiles stays
@example([profile("u1", 1, "u5"), profile("u1", 2), forget("u1", 4), click("u5", 3)], {3})  # an earlier alias counts
def test_a_forget_leaves_what_the_log_without_the_events_leaves(lines: list[Line], cuts: set[int]) -> None:
    assert played(lines, cuts).digest == played(without_forgotten(lines)).digest


@TRIED
@given(LOGS, st.randoms(use_true_random=False), CUTS, st.integers(1, 30))
@example([click("u1", 1), forget("u1", 1)], random.Random(1), set(), 1)  # nothing waits, but unlearning is owed
def test_forgets_may_come_at_any_moment(lines: list[Line], shuffle: random.Random, cuts: set[int], batch: int) -> None:
    assert played(interleaved(lines, shuffle), cuts, batch) == played(lines)


@TRIED
@given(LOGS, CUTS)
def test_forgotten_once_more_is_forgotten(lines: list[Line], cuts: set[int]) -> None:
    forgets = [line for line in lines if line.kind == "forget"]
    assert played(lines + forgets, cuts).digest == played(lines).digest
