"""From a model's name in the settings to a ready encoder, in the fastest form that is faithful here."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from embedding_worker.encoders.encoder import Encoder

log = logging.getLogger(__name__)

NAMES: Final[dict[str, str]] = {"multilingual": "use", "use": "use", "english": "minilm", "minilm": "minilm"}


def make(
    name: str = "multilingual", device: str = "auto", folder: Path | None = None, threads: int | None = None
) -> Encoder:
    """A ready encoder.

    name: multilingual or use (the default; English and Chinese), english or minilm, hashing (no model),
    or the name or local folder of any sentence-transformers model. device: auto, cpu or cuda. folder: where the probe's
    choice is remembered. threads: of the CPU, default all cores but one. Raises `EncoderError`.
    """
    if name == "hashing":
        from embedding_worker.encoders.hashing import HashingEncoder

        return HashingEncoder()
    import torch

    from embedding_worker.encoders.torch_encoder import best_device

    count = threads or max(1, len(os.sched_getaffinity(0)) - 1)
    torch.set_num_threads(count)
    where = best_device(device)
    known = NAMES.get(name, name)
    builder = _use() if known == "use" else _sentence(known)
    encoder = _on_cpu(builder, folder, count, torch.__version__) if where == "cpu" else builder(where, "bf16")
    log.info("encoder %s (%d numbers, space %s) runs as %s", encoder.model, encoder.dim, encoder.space, encoder.form)
    return encoder


def _on_cpu(builder: Callable[[str, str], Encoder], folder: Path | None, threads: int, version: str) -> Encoder:
    from embedding_worker.encoders import probe

    plain = builder("cpu", "fp32")
    key = probe.probe_key(plain.space, [version], threads)
    form = probe.remembered(folder, key)
    if form == plain.form:
        return plain
    other = builder("cpu", "bf16")
    if form == other.form:
        return other
    chosen, trials = probe.fastest([plain, other])
    for trial in trials:
        log.info("probe: %s", trial)
    probe.remember(folder, key, chosen.form)
    return chosen


def _use() -> Callable[[str, str], Encoder]:
    from embedding_worker.encoders.use import UseEncoder
    from embedding_worker.encoders.use_files import read_wheel

    files = read_wheel()
    return lambda device, dtype: UseEncoder(files, device, dtype)


def _sentence(name: str) -> Callable[[str, str], Encoder]:
    from embedding_worker.encoders.sentence import SentenceEncoder, minilm_folder, open_model

    source = str(minilm_folder()) if name == "minilm" else name
    label = "all-MiniLM-L6-v2" if name == "minilm" else Path(name).name
    return lambda device, dtype: SentenceEncoder(label, open_model(source), device, dtype)
