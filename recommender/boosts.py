"""Rules of the house: what of an item's labels and attributes raises or buries it.

>>> given = [Boost(0.5, category="Horror"), Boost(-1.0, attribute="price", at_least=50)]
>>> item = Item("i9", 5, title="Alien", categories=["Horror"], attributes={"price": 60})
>>> boost_of(given, item)
-0.5
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recommender.events import Item
from recommender.query import Boost


def boost_of(rules: Sequence[Boost], item: Item | None) -> float:
    """The sum of the boosts of all rules that fit an item; an item that was never announced fits none."""
    return sum((rule.boost for rule in rules if item is not None and fits(rule, item)), 0.0)


def fits(rule: Boost, item: Item) -> bool:
    """Has the item all that the rule names?"""
    if rule.category is not None and rule.category not in item.categories:
        return False
    if rule.domain is not None and rule.domain != item.domain:
        return False
    if rule.language is not None and rule.language != item.language:
        return False
    return rule.attribute is None or _holds(rule, (item.attributes or {}).get(rule.attribute))


def _holds(rule: Boost, value: Any) -> bool:
    if value is None:
        return False
    if rule.equals is not None:
        return isinstance(value, bool) == isinstance(rule.equals, bool) and bool(value == rule.equals)
    if rule.at_least is None and rule.at_most is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (rule.at_least is None or value >= rule.at_least) and (rule.at_most is None or value <= rule.at_most)
