"""The default encoder: Google's multilingual universal sentence encoder (English, Chinese and 14 more, 512 numbers).

It runs the network of `use_module.UseModule` without sentence-transformers around it: importing
that takes 11 s more here (15 against 4), and a test shows that both give the same vectors.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from embedding_worker.encoders.torch_encoder import DTYPES, TorchEncoder
from embedding_worker.encoders.use_files import VOCABULARY_SHA256, WEIGHTS_SHA256, UseFiles, read_wheel
from embedding_worker.encoders.use_network import DIM, UseNetwork
from embedding_worker.encoders.use_pieces import piece_ids
from recommender.vectors import Vector, space_id

NAME: Final = "use-multilingual-v3"
MAX_PIECES: Final = 256
_BUDGET: Final = 4_096
"""Tokens in a batch at the least: the more texts together, the fewer of their pieces are new."""


class UseEncoder(TorchEncoder):
    """Texts to 512 numbers.

    files: `read_wheel()`; device: cpu or cuda; dtype: fp32 or bf16; max_pieces: where a text is cut, [BOS] and [EOS]
    included.
    """

    def __init__(self, files: UseFiles, device: str = "cpu", dtype: str = "fp32", max_pieces: int = MAX_PIECES) -> None:
        super().__init__(NAME, device, dtype, max_chars=8 * max_pieces)
        self.budget = max(self.budget, _BUDGET)
        self._tokenizer = files.tokenizer
        self._max_pieces = max_pieces
        self._network = UseNetwork(files.weights, files.eps, DTYPES[dtype]).to(device).eval()
        self._space = space_id(NAME, WEIGHTS_SHA256 + VOCABULARY_SHA256, DIM, max_pieces)

    @classmethod
    def from_wheel(cls, device: str = "cpu", dtype: str = "fp32") -> UseEncoder:
        """With the weights of the installed package; raises `EncoderError` if they are not the known ones."""
        return cls(read_wheel(), device, dtype)

    @property
    def space(self) -> str:
        """The identity of the vector space: bf16 and fp32 share it (cosine at least .9998)."""
        return self._space

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return DIM

    def _run(self, texts: list[str]) -> Vector:
        ids, lengths = piece_ids(self._tokenizer, texts, self._max_pieces)
        flat = torch.from_numpy(ids).to(self._device)
        vectors = self._network(flat, torch.from_numpy(lengths).to(self._device))
        return np.asarray(vectors.cpu().numpy(), np.float32)

    def _move(self, device: str) -> None:
        self._network.to(device)
