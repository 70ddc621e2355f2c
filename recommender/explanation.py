"""Explanation: the parts of a score, each with the items of the user's history behind it.

>>> reasons(("covisit", "count"), [0.9, 0.0], {"covisit": ["i7"]})
[Reason(part='covisit', score=0.9, because=['i7'])]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from recommender.numbering import Array
from recommender.query import Reason

BECAUSE: Final = 3


def reasons(names: Sequence[str], values: Sequence[float], because: Mapping[str, list[str]]) -> list[Reason]:
    """The parts that are not 0, the largest first; they add up to the score."""
    given = [
        Reason(name, float(value), because.get(name, []))
        for name, value in zip(names, values, strict=True)
        if value != 0.0
    ]
    return sorted(given, key=lambda reason: (-abs(reason.score), reason.part))


def strongest(shares: Array, ids: Sequence[str], k: int = BECAUSE) -> list[str]:
    """The up to `k` ids with the largest positive shares [n]; several shares of one id are summed.

    >>> strongest(np.array([0.2, 0.3, 0.2]), ["a", "b", "a"], 1)
    ['a']
    """
    total: dict[str, float] = {}
    for place in np.flatnonzero(shares > 0.0).tolist():
        total[ids[place]] = total.get(ids[place], 0.0) + float(shares[place])
    return [item_id for item_id, _ in sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))][:k]
