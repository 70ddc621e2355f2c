"""Users: who is alike, and who would want an item. Bounded work over the users of the latest changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from embedding_worker.vector_index import VectorIndex
from recommender.numbering import Array
from recommender.read_model import ReadModel, UserState
from serving.ask import voting

Floats = npt.NDArray[np.float64]

ASKED: Final = 300
"""How many of the users with the latest changes are looked at."""
ALIKE: Final = 50
NEWEST: Final = 20
CONTENT: Final = 5.0
FADE: Final = 0.9
UNIT: Final = 0.01


def alike(model: ReadModel, own: Sequence[int], others: Sequence[UserState]) -> tuple[Array, Array]:
    """Items of the users most like one who has met `own`, and how much those users speak for each.

    Likeness is the sum over shared items of 1 / (c + 1), by the geometric mean of the rings' own sums: rare items
    tell more than what everybody knows. Returns item numbers [m] and scores [m].
    """
    idf = 1.0 / (np.maximum(model.counts.count, 0.0) + 1.0)
    mine = np.unique(np.asarray(own, np.int64))
    near: list[tuple[float, Array]] = []
    for other in others:
        theirs = np.unique(np.asarray(voting(other.history), np.int64))
        shared = np.intersect1d(mine, theirs, assume_unique=True)
        if len(shared):
            likeness = idf[shared].sum() / np.sqrt(idf[mine].sum() * idf[theirs].sum())
            near.append((float(likeness), theirs))
    near.sort(key=lambda pair: -pair[0])
    said = np.zeros(len(model.counts.count))
    for likeness, theirs in near[:ALIKE]:
        said[theirs] += likeness
    numbers = np.flatnonzero(said)
    return numbers, said[numbers]


def audience(
    model: ReadModel, index: VectorIndex | None, number: int, row: Array, users: Sequence[UserState]
) -> list[tuple[str, float]]:
    """Users by how much they would want an item: log of the pair counts with their rings, plus content.

    `row` is the item's own neighbour row: pair counts are the same both ways, so no other row is needed. Content is
    the fading mean, over a ring's newest items, of their cosine to the item beyond the mean item vector's.
    """
    counts = model.counts
    pair = np.zeros(len(counts.count))
    np.add.at(pair, row[:, 0], row[:, 1].astype(np.float64))
    norm = 1.0 / np.sqrt(np.maximum(counts.count, 0.0) + 1.0)
    near = pair / counts.scale * norm * norm[number]
    rings = {user.user_id: voting(user.history) for user in users if not _met(user, number)}
    likeness = _likeness(model, index, number, {item for ring in rings.values() for item in ring[:NEWEST]})
    out: list[tuple[str, float]] = []
    for user_id, ring in rings.items():
        fades = FADE ** np.arange(len(ring))
        score = float(np.log1p(max(float((fades * near[ring]).sum()), 0.0) / UNIT))
        if ring:
            newest = fades[:NEWEST]
            score += CONTENT * max(float((newest * likeness[ring[:NEWEST]]).sum() / newest.sum()), 0.0)
        if score > 0.0:
            out.append((user_id, score))
    return sorted(out, key=lambda pair: (-pair[1], pair[0]))


def _met(user: UserState, number: int) -> bool:
    return number in user.refused or bool((user.history.items == number).any())


def _likeness(model: ReadModel, index: VectorIndex | None, number: int, items: set[int]) -> Floats:
    """Cosine of items to one item beyond the mean's, [items]; 0 for the others and without vectors."""
    out = np.zeros(len(model.counts.count))
    vector = index.vector(model.numbering.ids[number]) if index is not None else None
    if index is None or vector is None or not items:
        return out
    numbers = np.fromiter(items, np.int64, len(items))
    vectors, known = index.vectors([model.numbering.ids[item] for item in numbers.tolist()])
    out[numbers] = np.where(known, vectors @ vector - index.mean @ vector, 0.0)
    return out
