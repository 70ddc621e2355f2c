"""What one list is worth by itself: where the target stands in it, and how alike its items are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Id = Hashable
Similarity = Callable[[Sequence[Id]], npt.NDArray[np.float64]]
"""Items -> their likeness to one another, [n, n], 1 for the same and 0 for unlike."""


def strict_place(item: Id, found: Sequence[tuple[Id, float]], k: int) -> int | None:
    """The item's place among `found` (best first, k + 1 long if there are so many) behind all that tie with it.

    None if that is not among the first k.

    >>> strict_place("t", [("a", 2.0), ("t", 1.0), ("b", 1.0)], k=3), strict_place("t", [("t", 1.0), ("b", 1.0)], k=1)
    (2, None)
    """
    scores = [score for name, score in found if name == item]
    if not scores:
        return None
    place = sum(score >= scores[0] for _, score in found) - 1
    return place if place < k else None


def unlikeness(similarity: Similarity, items: Sequence[Id]) -> float | None:
    """1 minus the mean likeness of a list's pairs; None for fewer than two items.

    Intra-list diversity: Ziegler, McNee, Konstan, Lausen, "Improving recommendation lists through topic
    diversification" (2005).
    """
    n = len(items)
    if n < 2:
        return None
    likeness = similarity(items)
    return 1.0 - float(likeness.sum() - np.trace(likeness)) / (n * (n - 1))


def label_similarity(labels: Mapping[Id, Collection[str]]) -> Similarity:
    """Likeness by labels (categories, tags): Jaccard's index; items without labels are like nothing.

    >>> label_similarity({"a": ["x", "y"], "b": ["y"]})(["a", "b"]).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    sets = {item: frozenset(names) for item, names in labels.items()}
    none: frozenset[str] = frozenset()

    def similarity(items: Sequence[Id]) -> npt.NDArray[np.float64]:
        given = [sets.get(item, none) for item in items]
        return np.array([[len(a & b) / max(len(a | b), 1) for b in given] for a in given])

    return similarity
