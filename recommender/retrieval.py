"""Retrieval: at most some 450 candidates out of all items, each with the sources that named it.

The sizes are those under which restricting the candidates cost nothing measurable on 13 streams (150 by item-item,
100 by fast and 100 by slow popularity, 50 nearest in content, 50 newest).

>>> found = retrieve(Evidences(np.zeros(3, np.uint64), fast=np.array([0.0, 2.0, 1.0])), np.array([True, True, False]))
>>> found.numbers.tolist(), found.sources(1)
([0, 1], ['trending'])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from recommender.numbering import Array, best

SOURCES: Final = (
    "covisit", "trending", "popular", "content", "text", "profile", "newest", "users", "context", "category",
)  # fmt: skip
CATALOGUE: Final = "catalogue"
BY_COVISIT, BY_FAST, BY_SLOW, BY_NEWEST = 150, 100, 100, 50
BY_CONTENT: Final = 50
ALL: Final = 450
"""Up to so many items that may be recommended, every one is a candidate."""

Near = Callable[[Array], Array]
"""Gives the numbers of the nearest items among those that a mask allows."""


@dataclass(frozen=True, slots=True)
class Evidences:
    """What candidates are found by; whatever is missing finds nothing.

    tie: what settles ties, [items]; covisit: item numbers and their scores; fast, slow: popularity, [items];
    near: by name of the source, a function from a mask to the nearest items (newest, too).
    """

    tie: Array
    covisit: tuple[Array, Array] | None = None
    fast: Array | None = None
    slow: Array | None = None
    near: Mapping[str, Near] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Item numbers, [n] ascending, and which sources named each, as bits over `SOURCES`."""

    numbers: Array
    bits: Array

    def sources(self, place: int) -> list[str]:
        """The sources of one candidate; `catalogue` where it is there only because there are few items."""
        bits = int(self.bits[place])
        return [name for bit, name in enumerate(SOURCES) if bits >> bit & 1] or [CATALOGUE]


def retrieve(evidences: Evidences, allowed: Array, at_least: int = 0) -> Candidates:
    """Candidates among the items that `allowed` [items] lets through, at least `at_least` if there are so many.

    Falls back from what fits the user to what is popular, new, and in the end to any item, in an order that depends
    on nothing but the ids.
    """
    found: list[tuple[int, Array]] = []
    if evidences.covisit is not None:
        numbers, scores = evidences.covisit
        usable = allowed[numbers] & (scores > 0.0)
        numbers, scores = numbers[usable], scores[usable]
        found.append((0, numbers[best(scores, evidences.tie[numbers], BY_COVISIT)]))
    for bit, values, k in ((1, evidences.fast, BY_FAST), (2, evidences.slow, BY_SLOW)):
        if values is not None:
            found.append((bit, best(np.where(allowed & (values > 0.0), values, -np.inf), evidences.tie, k)))
    for name, near in evidences.near.items():
        found.append((SOURCES.index(name), near(allowed)))
    bits = np.zeros(len(allowed), np.uint16)
    for bit, numbers in found:
        bits[numbers] |= np.uint16(1 << bit)
    chosen = bits > 0
    free = int(np.count_nonzero(allowed))
    if free <= ALL:
        chosen = allowed
    elif np.count_nonzero(chosen) < at_least:
        rest = best(np.where(allowed & ~chosen, 0.0, -np.inf), evidences.tie, at_least)
        chosen[rest] = True
    numbers = np.flatnonzero(chosen)
    return Candidates(numbers, bits[numbers])
