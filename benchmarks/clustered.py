"""Vectors as crowded as an encoder's, without an encoder: topics within fields, in one corner of the space.

The weights are set so that 8,000 of them are like the default encoder's vectors of 8,000 film texts (in brackets what
those have): mean cosine of two items 0.41 (0.41), of an item and its tenth neighbour 0.68 (0.71), local dimension at
twenty neighbours 21 (25). Uniform noise would be much harder to search than texts are, plain clusters much easier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.streams.stream import Floats
from recommender.vectors import Vector

DIM = 512
"""Width of the default encoder's vectors."""
CORNER, FIELD, TOPIC, OWN, NOISE = 0.7, 0.4, 0.35, 0.42, 0.53
"""How long an item's parts are: what all share, its field, its topic, what it is itself in a few directions, noise."""
FIELDS, DIRECTIONS, CHUNK = 20, 36, 10_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Unit vectors float32 [n, dim], and the topic of each [n]."""

    vectors: Vector
    topics: npt.NDArray[np.int64]


class Clusters:
    """A space of texts to draw from; the first topics are the largest."""

    def __init__(self, rng: np.random.Generator, dim: int = DIM, topics: int = 200) -> None:
        self._rng = rng
        self._dim = dim
        field_of = rng.integers(FIELDS, size=topics)
        fields = self._units(FIELDS)
        self._centres = CORNER * self._units(1) + FIELD * fields[field_of] + TOPIC * self._units(topics)
        self._directions = self._units(DIRECTIONS)
        # Each topic spreads in directions of its own choice.
        spread = rng.gamma(1.0, size=(topics, DIRECTIONS))
        self._spread = OWN * spread / np.linalg.norm(spread, axis=1, keepdims=True)
        sizes = 1.0 / np.sqrt(np.arange(1, topics + 1))
        self._sizes = sizes / sizes.sum()

    def sample(self, count: int) -> Sample:
        """Draw `count` vectors."""
        topics = self._rng.choice(len(self._sizes), count, p=self._sizes)
        vectors = np.empty((count, self._dim), np.float32)
        for low in range(0, count, CHUNK):
            vectors[low : low + CHUNK] = self._drawn(topics[low : low + CHUNK])
        return Sample(vectors, topics.astype(np.int64))

    def _drawn(self, topics: npt.NDArray[np.int64]) -> Floats:
        own = self._rng.normal(size=(len(topics), DIRECTIONS)) * self._spread[topics]
        noise = self._rng.normal(size=(len(topics), self._dim)) * (NOISE / np.sqrt(self._dim))
        raw = self._centres[topics] + own @ self._directions + noise
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))

    def _units(self, count: int) -> Floats:
        raw = self._rng.normal(size=(count, self._dim))
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))
