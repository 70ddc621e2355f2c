"""Every case of bad input alone: one dead letter with its reason, or applied; and the page that says so."""

import pytest

from recommender.reasons import REASONS
from tests.rig.bad_cases import Case, cases, told
from tests.rig.bad_input import PAGE, alone, page


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.group}: {case.name}")
def test_each_case_comes_to_what_is_expected(case: Case) -> None:
    applied, dead = alone(case)
    assert told(applied, tuple((letter.index, letter.reason) for letter in dead)) == case.expected
    for letter in dead:
        assert (letter.topic, letter.key) == (case.topic, case.key)
        assert 0 < len(letter.detail) <= 200
        whole = case.values[letter.offset]
        assert letter.value == whole or (letter.value is not None and whole is not None and letter.value in whole)


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.rig.bad_input writes it"


def test_every_reason_of_a_topic_has_a_case() -> None:
    met = {reason for case in cases() for _, reason in case.dead}
    assert set(REASONS) - met == {"bad_kind"}  # only a line of a log has a kind
