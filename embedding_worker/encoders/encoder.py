"""What an encoder is, and the checks that every one shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from recommender.vectors import Vector


class EncoderError(RuntimeError):
    """An encoder could not be made, or gave something that is no vector."""


class Encoder(Protocol):
    """Turns texts into vectors. Used by one thread at a time."""

    @property
    def model(self) -> str:
        """The model's readable name."""

    @property
    def space(self) -> str:
        """The identity of the vector space (`recommender.vectors.space_id`)."""

    @property
    def dim(self) -> int:
        """Width of the vectors."""

    @property
    def form(self) -> str:
        """How it runs: cpu fp32, cpu bf16, cuda bf16, ..."""

    def encode(self, texts: Sequence[str]) -> Vector:
        """Vectors float32 [n, dim], finite and of length one, in the order of the texts.

        Any text is accepted, the empty one too. Raises `EncoderError` if a vector is not finite.
        """


def finished(vectors: Vector, dim: int) -> Vector:
    """The vectors [n, dim] with length one; raises `EncoderError` if one is not finite or of another width."""
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise EncoderError(f"the encoder gave shape {vectors.shape}, expected [n, {dim}]")
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise EncoderError("the encoder gave a vector that is zero or not finite")
    return np.asarray(vectors / norms, np.float32)
