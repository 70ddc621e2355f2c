"""Rules: why an item may not be in a list.

>>> verdicts(np.array([True, True, False]), Barred(seen=[0])).tolist()
[1, 0, 6]
>>> rule_of(6)
'unavailable'
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from recommender.numbering import Array
from recommender.query import RULES

PERSONAL: Final = frozenset({"seen", "hidden", "disliked", "excluded"})
"""Rules that come from the user or the question, not from the item."""


@dataclass(frozen=True, slots=True)
class Barred:
    """Item numbers that this user or this question bars, by rule."""

    seen: Collection[int] = ()
    hidden: Collection[int] = ()
    disliked: Collection[int] = ()
    excluded: Collection[int] = ()


def verdicts(available: Array, barred: Barred, expired: Array | None = None, passed: Array | None = None) -> Array:
    """A verdict on each item: 0 where it may be recommended, else the code of a rule.

    Parameters
    ----------
    available, expired, passed
        [items] masks: may be recommended at all; past its end; passes the question's filters.
    barred
        What the user and the question bar. These rules are named before the item's own, `hidden` before all others.
    """
    out = np.zeros(len(available), np.uint8)
    if passed is not None:
        out[~passed] = code_of("filtered")
    if expired is not None:
        out[expired] = code_of("expired")
    out[~available] = code_of("unavailable")
    for rule, numbers in (
        ("seen", barred.seen),
        ("excluded", barred.excluded),
        ("disliked", barred.disliked),
        ("hidden", barred.hidden),
    ):
        out[list(numbers)] = code_of(rule)
    return out


def code_of(rule: str) -> int:
    """The code of a rule, 1 and up."""
    return RULES.index(rule) + 1


def rule_of(code: int) -> str:
    """The rule behind a code."""
    return RULES[code - 1]
