"""Live quality as a trainer tells of it: 4,000 tested events, a drop in the second half, figures of its own making."""

import hashlib
from collections.abc import Callable
from typing import Any

from streams.quality import LiveQuality, Trial

TESTED = 3_000
DROP = 2_700


def _model(name: str, rate: float) -> Callable[[Trial], bool]:
    def hits(trial: Trial) -> bool:
        chance = int.from_bytes(hashlib.sha256(f"{name} {trial.at}".encode()).digest()[:4], "little") / 2**32
        now = rate * 0.4 if trial.at > DROP and name == "default" else rate * min(1.0, trial.at / 1_000)
        return chance < now * (0.2 if trial.item_events < 6 else 1.25)

    return hits


def _figures() -> dict[str, Any]:
    rates = {"default": 0.45, "mf": 0.1, "popularity": 0.16, "decayed_popularity": 0.22}
    quality = LiveQuality({name: _model(name, rate) for name, rate in rates.items()})
    for at in range(1, TESTED + 1):
        quality.test(Trial(f"u{at % 90}", f"i{at % 50}", (), at, at % 13, at % 7))
    told = {"examples": 4 * TESTED, "lessons": 2 * TESTED, "version": 12}
    return {**quality.figures(), **told, "history": quality.history()}


QUALITY = _figures()
