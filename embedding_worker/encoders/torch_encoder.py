"""What the encoders on torch share: batches by length, room on the device, checked output."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from embedding_worker.encoders.encoder import finished
from recommender.vectors import Vector

log = logging.getLogger(__name__)

DTYPES: Final[dict[str, torch.dtype]] = {"fp32": torch.float32, "bf16": torch.bfloat16}
_BUDGET: Final = {"cpu": 2_048, "cuda": 16_384}
_SMALLEST_BUDGET: Final = 256


def best_device(wanted: str = "auto") -> str:
    """`wanted`, or for auto: cuda where there is one, else cpu."""
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def pack(texts: Sequence[str], budget: int) -> list[list[int]]:
    """Places of the texts in batches of about `budget` tokens, alike in length, the short ones first.

    A token is taken for four bytes: right for English, a little much for Chinese.
    """
    sizes = [len(text.encode("utf-8", "replace")) // 4 + 3 for text in texts]
    batches: list[list[int]] = []
    for place in sorted(range(len(texts)), key=lambda place: (sizes[place], place)):
        # Sorted by length: the newest is the longest, and padding makes the others as long.
        if batches and sizes[place] * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches


class TorchEncoder(ABC):
    """An encoder whose work is `_run`: some texts on the present device.

    When CUDA has no room for a batch, the batch is halved and stays smaller; when it has none for one text, the
    encoder moves to the CPU for good. Both are logged and show in `form`.
    """

    def __init__(self, model: str, device: str, dtype: str, max_chars: int) -> None:
        self._model = model
        self._device = device
        self._dtype = dtype
        self._max_chars = max_chars
        self.budget = _BUDGET.get(device.split(":", maxsplit=1)[0], _BUDGET["cuda"])
        self.out_of_memory = 0

    @property
    def model(self) -> str:
        """The model's readable name."""
        return self._model

    @property
    @abstractmethod
    def space(self) -> str:
        """The identity of the vector space."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Width of the vectors."""

    @property
    def form(self) -> str:
        """How it runs: device and number format."""
        return f"{self._device} {self._dtype}"

    def encode(self, texts: Sequence[str]) -> Vector:
        """Vectors float32 [n, dim], finite and of length one, in the order of the texts."""
        cut = [text[: self._max_chars] for text in texts]
        vectors = np.zeros((len(cut), self.dim), np.float32)
        batches = pack(cut, self.budget)
        while batches:
            batch = batches.pop()
            try:
                with torch.inference_mode():
                    vectors[batch] = self._run([cut[place] for place in batch])
            except torch.OutOfMemoryError:
                batches.extend(self._smaller(batch))
        return finished(vectors, self.dim)

    def _smaller(self, batch: list[int]) -> list[list[int]]:
        self.out_of_memory += 1
        if len(batch) == 1:
            log.error("no room for one text on %s: going on with the CPU", self._device)
            self._device = "cpu"
            self._move("cpu")
            self.budget = min(self.budget, _BUDGET["cpu"])
            return [batch]
        self.budget = max(_SMALLEST_BUDGET, self.budget // 2)
        log.warning("no room for %d texts on %s: batches of %d tokens from now on", len(batch), self.form, self.budget)
        torch.cuda.empty_cache()
        middle = len(batch) // 2
        return [batch[:middle], batch[middle:]]

    @abstractmethod
    def _run(self, texts: list[str]) -> Vector:
        """Vectors [n, dim] of some texts, on the present device."""

    @abstractmethod
    def _move(self, device: str) -> None:
        """Take the weights to another device."""
