"""Items' vectors for benchmarks, by the system's own encoder, kept between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from coldspring.evaluation.encoding import encoder
from coldspring.settings import Settings
from recommender.evaluation import Id

CACHE = Path(__file__).parents[1] / ".cache" / "vectors"
BATCH = 256


def encoded(name: str, texts: Mapping[str, str]) -> dict[Id, npt.NDArray[np.float32]]:
    """The vectors of `texts` by item, under `name`; made once for the same texts and encoder."""
    settings = Settings()
    known = hashlib.sha256("\0".join([settings.encoder, *texts, *texts.values()]).encode()).hexdigest()[:16]
    path = CACHE / f"{name}-{known}.npy"
    if path.exists():
        vectors = np.load(path)
    else:
        encode, ordered = encoder(settings), list(texts.values())
        vectors = np.concatenate([encode(ordered[at : at + BATCH]) for at in range(0, len(ordered), BATCH)])
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, vectors)
    return dict(zip(texts, vectors, strict=True))
