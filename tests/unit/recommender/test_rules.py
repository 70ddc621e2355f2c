"""Which rule is named where several hold."""

import numpy as np
import pytest

from recommender.catalogue import Catalogue
from recommender.events import Item
from recommender.numbering import Array, Numbering
from recommender.query import RULES
from recommender.rules import Barred, ItemRules, code_of, rule_of, verdicts

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


def test_the_items_own_verdicts_follow_the_catalogue_and_the_time() -> None:
    catalogue = Catalogue(Numbering())
    rules = ItemRules(catalogue)
    catalogue.numbering.number("used")
    assert rules.codes(0).tolist() == [0]
    catalogue.put(Item(item_id="a", timestamp=1, title="A", expires_at=50))
    catalogue.put(Item(item_id="b", timestamp=1, title="A", expires_at=90))
    unavailable, expired = code_of("unavailable"), code_of("expired")
    for now, codes in ((10, [0, 0]), (50, [expired, 0]), (95, [expired, expired]), (60, [expired, 0]), (49, [0, 0])):
        assert rules.codes(now).tolist() == [unavailable, *codes]
    catalogue.remove("b")
    assert rules.codes(49).tolist() == [unavailable, 0, unavailable]
