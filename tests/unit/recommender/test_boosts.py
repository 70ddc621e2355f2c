"""Rules of the house fit what they name, and nothing else."""

from typing import Any

import msgspec
import pytest

from recommender.boosts import boost_of, fits
from recommender.events import Item
from recommender.query import Boost

ITEM = Item(
    "i9", 5, title="Alien", categories=["Horror", "Sci-Fi"], domain="films", language="en",
    attributes={"price": 9.5, "brand": "Acme", "signed": True, "stock": 0},
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"category": "Horror"}, True),
        ({"category": "horror"}, False),
        ({"category": "Horror", "domain": "books"}, False),
        ({"category": "Horror", "domain": "films", "language": "en"}, True),
        ({"attribute": "brand"}, True),
        ({"attribute": "maker"}, False),
        ({"attribute": "brand", "equals": "Acme"}, True),
        ({"attribute": "price", "equals": 9.5}, True),
        ({"attribute": "price", "at_least": 9.5, "at_most": 10}, True),
        ({"attribute": "price", "at_most": 9}, False),
        ({"attribute": "brand", "at_least": 1}, False),
        ({"attribute": "signed", "equals": True}, True),
        ({"attribute": "signed", "equals": 1}, False),
        ({"attribute": "signed", "at_least": 0}, False),
        ({"attribute": "stock", "equals": False}, False),
        ({"attribute": "stock", "equals": 0}, True),
    ],
)
def test_what_fits(rule: dict[str, Any], expected: bool) -> None:
    assert fits(msgspec.convert({"boost": 1, **rule}, Boost), ITEM) is expected


def test_boosts_add_up_and_the_unknown_have_none() -> None:
    rules = [Boost(1.5, category="Horror"), Boost(-0.25, domain="films"), Boost(9.0, domain="books")]
    assert boost_of(rules, ITEM) == 1.25
    assert boost_of(rules, None) == 0.0


@pytest.mark.parametrize("wrong", [{"boost": 1}, {"boost": 1, "category": "a", "at_least": 3}, {"category": "a"}])
def test_a_rule_that_says_too_little(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Boost)
