"""Which rule is named where several hold."""

import numpy as np
import pytest

from recommender.numbering import Array
from recommender.query import RULES
from recommender.rules import Barred, code_of, rule_of, verdicts

YES, NO = np.ones(1, np.bool_), np.zeros(1, np.bool_)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("hidden", verdicts(NO, Barred([0], [0], [0], [0]), YES, NO)),
        ("disliked", verdicts(NO, Barred([0], [], [0], [0]), YES, NO)),
        ("excluded", verdicts(NO, Barred([0], [], [], [0]), YES, NO)),
        ("seen", verdicts(NO, Barred([0]), YES, NO)),
        ("unavailable", verdicts(NO, Barred(), YES, NO)),
        ("expired", verdicts(YES, Barred(), YES, NO)),
        ("filtered", verdicts(YES, Barred(), NO, NO)),
    ],
)
def test_the_rule_that_is_named(rule: str, code: Array) -> None:
    assert rule_of(int(code[0])) == rule


def test_nothing_bars() -> None:
    assert verdicts(YES, Barred(), NO, YES).tolist() == [0]


def test_codes_and_rules_match() -> None:
    assert [rule_of(code_of(rule)) for rule in RULES] == list(RULES)
