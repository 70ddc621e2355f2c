"""Which form of a model is the fastest here and says the same: tried at the first start, then remembered.

A form may be used if its vectors have a cosine to float32's of at least .995 in the mean and .99 at
the least over the built-in texts. torch's dynamic int8 is no candidate: its mean was .937.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from embedding_worker.encoders.encoder import Encoder
from embedding_worker.encoders.probe_texts import TEXTS

log = logging.getLogger(__name__)

MEAN_COSINE: Final = 0.995
LEAST_COSINE: Final = 0.99
_FILE: Final = "encoder-probe.json"
_ROUNDS: Final = 3


class Trial(msgspec.Struct, frozen=True):
    """What was found out about one form. seconds: the best round over all texts, single ones and batches."""

    form: str
    seconds: float
    mean_cosine: float
    least_cosine: float

    @property
    def faithful(self) -> bool:
        """May it be used in place of float32?"""
        return self.mean_cosine >= MEAN_COSINE and self.least_cosine >= LEAST_COSINE


def fastest(
    candidates: Sequence[Encoder], clock: Callable[[], float] = time.perf_counter
) -> tuple[Encoder, list[Trial]]:
    """The fastest faithful candidate; the first one is float32 and what the others are compared with."""
    truth = candidates[0].encode(TEXTS)
    trials: list[Trial] = []
    for encoder in candidates:
        cosines = (encoder.encode(TEXTS) * truth).sum(axis=1)
        rounds = [_round(encoder, clock) for _ in range(_ROUNDS)]
        trials.append(Trial(encoder.form, min(rounds), float(cosines.mean()), float(cosines.min())))
    usable = [place for place, trial in enumerate(trials) if trial.faithful]
    best = min(usable, key=lambda place: trials[place].seconds, default=0)
    return candidates[best], trials


def remembered(folder: Path | None, key: str) -> str | None:
    """The form that was chosen under this key before, if the folder remembers one."""
    return _read(folder).get(key)


def remember(folder: Path | None, key: str, form: str) -> None:
    """Keep a choice. A folder that can't be written costs the next start a probe, nothing else."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{_FILE}.tmp"
        temporary.write_bytes(msgspec.json.encode({**_read(folder), key: form}))
        temporary.replace(folder / _FILE)
    except OSError as error:
        log.warning("the probe's result can't be kept: %s", error)


def probe_key(space: str, versions: Sequence[str], threads: int) -> str:
    """What a choice depends on: the model, the libraries, the threads, and this CPU."""
    return hashlib.sha256("\x00".join((space, *versions, str(threads), _cpu())).encode()).hexdigest()[:24]


def _round(encoder: Encoder, clock: Callable[[], float]) -> float:
    """Seconds for the texts as one batch and a few alone: items come in batches, queries alone."""
    began = clock()
    encoder.encode(TEXTS)
    for text in TEXTS[16:20]:
        encoder.encode([text])
    return clock() - began


def _read(folder: Path | None) -> dict[str, str]:
    if folder is None:
        return {}
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _cpu() -> str:
    """Name and abilities of the first core; empty where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(next((line for line in lines if line.startswith(name)), "") for name in ("model name", "flags"))
