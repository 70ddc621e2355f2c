"""The system's own encoder, for an evaluation."""

from __future__ import annotations

from coldspring.errors import CommandError
from coldspring.evaluation.feed import Encode
from coldspring.settings import Settings


def encoder(settings: Settings) -> Encode:
    """The encoder of the settings (`encoder`, `device`), as the embedding worker makes it.

    Raises
    ------
    CommandError: when it can't be made.
    """
    from embedding_worker.encoders.choose import make
    from embedding_worker.encoders.encoder import EncoderError

    try:
        return make(settings.encoder, settings.device).encode
    except EncoderError as error:
        raise CommandError(f"the encoder {settings.encoder} can't be made: {error}") from None
