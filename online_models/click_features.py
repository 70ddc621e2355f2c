"""The click model's features: the same code for the trainer, which learns their weights, and for serving.

Of an item: the whole score that the parts add up to (`score`), log age, log popularity, and each part by its name.
Of a list: words of its context. What is the same for all items of a list cannot change their order, so the words come
in beside the list's level once more, as products with the first three features ("on a phone the new counts for more").

>>> item = columns(("covisit",), np.array([[0.5], [1.5]]), [3_600_000, -1], [9.0, 0.0])
>>> item.names, item.values.shape, bool(np.isnan(item.values[1, 1]))
(('score', 'age', 'popularity', 'part:covisit'), (2, 4), True)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SCORE: Final = "score"
CROSSED: Final = (SCORE, "age", "popularity")
"""Features that every word of a context has weights of its own for."""
ITEMS: Final = 8_192
"""Hash buckets of the items' own weights."""
NEAR_PLACES: Final = 10
FAR_PLACES: Final = (10, 15, 20, 50)
"""Places from the first on have a weight each, further ones share one by bands (their lower bounds)."""
_HOUR_MS: Final = 3_600_000.0


@dataclass(frozen=True, slots=True)
class Columns:
    """Features of n items: names [F], values [n, F] float64; NaN is an age that is not known."""

    names: tuple[str, ...]
    values: Floats


def columns(parts: Sequence[str], values: Floats, ages_ms: npt.ArrayLike, counts: npt.ArrayLike) -> Columns:
    """The features of items that have these parts of a score.

    Parameters
    ----------
    parts, values: names [P] and, for each item, what each adds to its score, [n, P].
    ages_ms: since the first event or the announcement, [n]; negative where neither is known.
    counts: events that counted, [n].
    """
    ages = np.asarray(ages_ms, np.float64)
    known = np.where(ages < 0.0, np.nan, np.log1p(np.maximum(ages, 0.0) / _HOUR_MS))
    popular = np.log1p(np.maximum(np.asarray(counts, np.float64), 0.0))
    first = (values.sum(axis=1), known, popular)
    return Columns((*CROSSED, *(f"part:{name}" for name in parts)), np.column_stack((*first, values)))


def product(word: str, name: str) -> str:
    """The name of a word's own weight for a feature."""
    return f"{word} {name}"


def item_bucket(item_id: str) -> int:
    """Which of the `ITEMS` buckets holds an item's own weight."""
    return crc32(item_id.encode()) % ITEMS


def buckets_of(item_ids: Iterable[str]) -> npt.NDArray[np.int64]:
    """The buckets of several items, [n]."""
    return np.array([item_bucket(item_id) for item_id in item_ids], np.int64)


def item_name(item_id: str) -> str:
    """The name of an item's own feature."""
    return f"item:{item_bucket(item_id)}"


def place_name(place: int) -> str:
    """The name of the weight of a place in a list (0 is the first)."""
    return f"place:{place if place < NEAR_PLACES else max(bound for bound in FAR_PLACES if place >= bound)}"


def means(values: npt.NDArray[Any]) -> Floats:
    """Column means of what is known, [F]; NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), np.nan))


def relative(values: npt.NDArray[Any], centre: npt.NDArray[Any]) -> Floats:
    """Values minus the centre [F], [n, F]; 0 where either is not known."""
    return np.asarray(np.nan_to_num(values - centre, nan=0.0), np.float64)
