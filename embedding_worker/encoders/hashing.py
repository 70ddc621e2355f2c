"""Character n-grams, hashed: an encoder without a model, for tests and for `replay()`. numpy only.

It knows spelling, not meaning: two texts are near when they share names and words, in any script.

>>> encoder = HashingEncoder(); a, b, c = encoder.encode(["三体 刘慈欣", "球状闪电 刘慈欣", "Heat (1995)"])
>>> bool(a @ b > a @ c)
True
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from embedding_worker.encoders.encoder import finished
from recommender.vectors import Vector, space_id

_VERSION: Final = "1"
_WORDS = re.compile(r"\w+|[^\w\s]")
_SIZES: Final = (1, 2, 3, 4)
_STEPS: Final = tuple(np.uint64(copy * 0x9E3779B97F4A7C15 % 2**64) for copy in range(1, 5))


class HashingEncoder:
    """Log-frequencies of character n-grams (1 to 4, with word ends), by a signed sketch of `dim` numbers.

    Each n-gram adds to four places with four signs (Charikar, Chen, Farach-Colton: Count Sketch, 2002), so that
    cosines are kept up to noise of about 1/sqrt(4 dim). The same text gives the same vector everywhere.
    """

    def __init__(self, dim: int = 256, max_chars: int = 1_000) -> None:
        self._dim = dim
        self._max_chars = max_chars
        self._space = space_id("hashing", _VERSION, dim, max_chars)

    @property
    def model(self) -> str:
        """The model's readable name."""
        return "hashing"

    @property
    def space(self) -> str:
        """The identity of the vector space."""
        return self._space

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self._dim

    @property
    def form(self) -> str:
        """How it runs."""
        return "cpu numpy"

    def encode(self, texts: Sequence[str]) -> Vector:
        """Vectors float32 [n, dim] of length one."""
        if not texts:
            return np.zeros((0, self._dim), np.float32)
        return finished(np.stack([self._sketch(text[: self._max_chars]) for text in texts]), self._dim)

    def _sketch(self, text: str) -> Vector:
        counts = Counter(_grams(unicodedata.normalize("NFKC", text).lower()))
        hashes = np.array([zlib.crc32(gram.encode("utf-8", "replace")) for gram in counts], np.uint64)
        # A longer n-gram says more; one that every text shares (a letter) says little.
        amounts = np.array([np.log1p(count) * len(gram) ** 2 for gram, count in counts.items()], np.float64)
        sums = np.zeros(self._dim, np.float64)
        for step in _STEPS:
            mixed = _mix(hashes + step)
            signs = np.where(mixed >> np.uint64(63), 1.0, -1.0)
            places = (mixed % np.uint64(self._dim)).astype(np.int64)
            sums += np.bincount(places, weights=amounts * signs, minlength=self._dim)
        if not np.any(np.abs(sums) > 1e-6):
            sums[0] = 1.0
        return (sums / np.linalg.norm(sums)).astype(np.float32)


def _grams(text: str) -> Iterator[str]:
    yield "\x02\x03"
    for word in _WORDS.findall(text):
        marked = f"\x02{word[:64]}\x03"
        for size in _SIZES:
            for start in range(len(marked) - size + 1):
                yield marked[start : start + size]


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
