"""Retrieval: at most some 450 candidates out of all items, each with the sources that named it.

The sizes are those under which restricting the candidates cost nothing measurable on 13 streams (150 by item-item,
100 by fast and 100 by slow popularity, 50 nearest in content, 50 newest).

>>> trending = lambda allowed: np.array([number for number in (1, 2) if allowed[number]])
>>> found = retrieve(Evidences(np.zeros(3, np.uint64), {"trending": trending}), np.array([True, True, False]))
>>> found.numbers.tolist(), found.sources(1)
([0, 1], ['trending'])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
from numba import njit

from recommender.numbering import Array, best

SOURCES: Final = (
    "covisit", "trending", "popular", "content", "text", "profile", "newest", "users", "context", "category",
)  # fmt: skip
CATALOGUE: Final = "catalogue"
BY_COVISIT, BY_FAST, BY_SLOW, BY_NEWEST = 150, 100, 100, 50
BY_CONTENT: Final = 50
_BITS: Final = 4
"""In so many the places of sources fit, with one after the last for items that no source named."""
ALL: Final = 450
"""Up to so many items that may be recommended, every one is a candidate."""

Near = Callable[[Array], Array]
"""Gives the numbers of the nearest items among those that a mask allows."""


@dataclass(frozen=True, slots=True)
class Evidences:
    """What candidates are found by; whatever is missing finds nothing.

    tie: what settles ties, [items]; near: by name of the source, a function from a mask to the items that it names.
    """

    tie: Array
    near: Mapping[str, Near] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Item numbers, [n] ascending, and which sources named each, as bits over `SOURCES` and one for none of them."""

    numbers: Array
    bits: Array

    def sources(self, place: int) -> list[str]:
        """The sources of one candidate; `catalogue` where it is there only because there are few items."""
        return list(_named(self.bits.item(place)))


def retrieve(evidences: Evidences, allowed: Array, at_least: int = 0) -> Candidates:
    """Candidates among the items that `allowed` [items] lets through, at least `at_least` if there are so many.

    Falls back from what fits the user to what is popular, new, and in the end to any item, in an order that depends
    on nothing but the ids.
    """
    found = [(SOURCES.index(name), near(allowed)) for name, near in evidences.near.items()]
    candidates = _united(found)
    if np.count_nonzero(allowed) <= ALL:
        return _united([*found, (len(SOURCES), np.flatnonzero(allowed))])
    if len(candidates.numbers) < at_least:
        rest = allowed.copy()
        rest[candidates.numbers] = False
        more = best(np.where(rest, 0.0, -np.inf), evidences.tie, at_least)
        return _united([*found, (len(SOURCES), more)])
    return candidates


@cache  # there are no more than two to the power of the sources
def _named(bits: int) -> tuple[str, ...]:
    return tuple(name for bit, name in enumerate(SOURCES) if bits >> bit & 1) or (CATALOGUE,)


def _united(found: Sequence[tuple[int, Array]]) -> Candidates:
    """The items of several sources, by bit."""
    keys = np.concatenate([np.zeros(0, np.int64), *((numbers << _BITS) | bit for bit, numbers in found)])
    keys.sort()
    return Candidates(*_runs(keys))


@njit(cache=True)
def _runs(keys: Array) -> tuple[Array, Array]:
    """The numbers in sorted keys, each once, and which bits came with it."""
    numbers, bits = np.empty(len(keys), np.int64), np.zeros(len(keys), np.int64)
    n = 0
    for key in keys:
        if n == 0 or numbers[n - 1] != key >> _BITS:
            numbers[n] = key >> _BITS
            n += 1
        bits[n - 1] |= 1 << (key & ((1 << _BITS) - 1))
    return numbers[:n], bits[:n]
