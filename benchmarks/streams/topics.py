"""The latent space of the streams: items are mixtures of topics, users have tastes for them, texts and vectors tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.streams.stream import Announcement, Floats

WORDS = 40
"""Words of each topic's own."""
DIM = 24
_ONSETS, _VOWELS, _CODAS = "bdfgklmnprstvz", "aeiou", ("", "n", "r", "s", "l")


@dataclass(frozen=True, slots=True)
class Items:
    """A catalogue in the order of birth: names, topics [n, K] (unit length), appeal [n], birth in ms [n]."""

    names: list[str]
    topics: Floats
    appeal: Floats
    born: npt.NDArray[np.int64]
    announcements: list[Announcement]


class Topics:
    """K topics, each with words and a direction.

    Parameters
    ----------
    noise
        How much of a vector is not of its topics: 0 none, 1 as much as is.
    """

    def __init__(self, rng: np.random.Generator, count: int = 12, noise: float = 0.5, content: bool = True) -> None:
        self.rng = rng
        self.count = count
        self.noise = noise
        self.content = content
        self.words = [[self._word() for _ in range(WORDS)] for _ in range(count)]
        self.common = [self._word() for _ in range(WORDS)]
        self.directions = rng.normal(size=(count, DIM))
        # Encoders put all texts into one corner of their space: so do we.
        self.middle = 2.0 * rng.normal(size=DIM)

    def mixtures(self, n: int, purity: float) -> Floats:
        """Topics of n items or tastes of n users, [n, K], unit length; the smaller `purity`, the fewer topics each."""
        raw = self.rng.dirichlet(np.full(self.count, purity), size=n) + 1e-9
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))

    def items(self, prefix: str, births: npt.NDArray[np.int64], appeal: Floats, purity: float = 0.15) -> Items:
        """Items born at these times (ms, any order; sorted here)."""
        births = np.sort(births)
        topics = self.mixtures(len(births), purity)
        names = [f"{prefix}{n:05d}" for n in range(len(births))]
        told = [self._announcement(name, at, row) for name, at, row in zip(names, births.tolist(), topics, strict=True)]
        return Items(names, topics, appeal, births, told)

    def _announcement(self, name: str, at: int, mixture: Floats) -> Announcement:
        share = mixture / mixture.sum()
        drawn = self.rng.choice(self.count, size=12, p=share)
        words = [self.words[topic][self.rng.integers(WORDS)] for topic in drawn.tolist()]
        words[3::4] = [self.common[self.rng.integers(WORDS)] for _ in words[3::4]]
        vector = None
        if self.content:
            # Noise as long as the topics' own part, times `noise`.
            own = mixture @ self.directions
            raw = own + self.noise * np.linalg.norm(own) / np.sqrt(DIM) * self.rng.normal(size=DIM) + self.middle
            vector = tuple((raw / np.linalg.norm(raw)).astype(np.float32).tolist())
        return Announcement(name, at, " ".join(words), vector, int(mixture.argmax()))

    def _word(self) -> str:
        return "".join(
            self.rng.choice(list(_ONSETS)) + self.rng.choice(list(_VOWELS)) + self.rng.choice(list(_CODAS))
            for _ in range(int(self.rng.integers(2, 4)))
        )
