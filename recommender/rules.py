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

from recommender.catalogue import NEVER, Catalogue
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


class ItemRules:
    """The verdicts that come from the items alone: the same until the catalogue changes or an item's end comes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._codes: Array = np.zeros(0, np.uint8)
        self._of = (-1, 0, 0, False)
        self._since, self._until = 0, 0

    def codes(self, now_ms: int) -> Array:
        """As `verdicts` gives them, for a question that bars nothing; not to be written to."""
        catalogue = self._catalogue
        of = (catalogue.changes, catalogue.numbering.given, catalogue.numbering.turns, catalogue.closed)
        if of != self._of or not self._since <= now_ms < self._until:
            ends = catalogue.expirations()
            expired = ends <= now_ms
            self._codes = verdicts(catalogue.available(), Barred(), expired)
            self._of = of
            self._since = int(ends.max(initial=0, where=expired))
            self._until = int(ends.min(initial=NEVER, where=~expired))
        return self._codes


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
    if expired is not None:
        out[expired] = code_of("expired")
    out[~available] = code_of("unavailable")
    return verdict_on(out, barred, passed)


def verdict_on(codes: Array, barred: Barred, passed: Array | None = None) -> Array:
    """The verdicts of `verdicts` from those on the items alone, which stay as they are."""
    out = codes.copy()
    if passed is not None:
        out[~passed & (codes == 0)] = code_of("filtered")
    for rule, numbers in (
        ("seen", barred.seen),
        ("excluded", barred.excluded),
        ("disliked", barred.disliked),
        ("hidden", barred.hidden),
    ):
        if len(numbers):
            out[np.fromiter(numbers, np.int64, len(numbers))] = code_of(rule)
    return out


def code_of(rule: str) -> int:
    """The code of a rule, 1 and up."""
    return RULES.index(rule) + 1


def rule_of(code: int) -> str:
    """The rule behind a code."""
    return RULES[code - 1]
