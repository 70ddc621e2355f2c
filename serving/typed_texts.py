"""Texts of questions and profiles as vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from embedding_worker.query_client import Encoded, EncoderAwayError
from recommender.query import Unavailable
from recommender.vectors import Vector


class TextEncoder(Protocol):
    """Encodes free text (`QueryClient` is one); remembers what is asked for again and again."""

    async def encode(self, texts: Sequence[str]) -> Encoded:
        """The vectors of texts; raises `EncoderAwayError`."""
        ...


class TypedTexts:
    """Vectors of single texts, in the space of the index that is searched."""

    def __init__(self, encoder: TextEncoder | None) -> None:
        self._encoder = encoder

    async def typed(self, text: str, space: str) -> Vector:
        """The vector of a question's text; raises `Unavailable`."""
        if self._encoder is None:
            raise Unavailable("no encoder is configured for text queries")
        try:
            encoded = await self._encoder.encode([text])
        except (EncoderAwayError, OSError) as error:
            raise Unavailable(f"the text encoder is away: {error}") from error
        if space and encoded.space and encoded.space != space:
            raise Unavailable("the index is being rebuilt for another encoder", retry_after_s=10)
        vector: Vector = encoded.vectors[0]
        return vector

    async def said(self, text: str, space: str) -> Vector | None:
        """The vector of a profile's text; None while the encoder is away: lists go on without it."""
        try:
            return await self.typed(text, space)
        except Unavailable:
            return None
