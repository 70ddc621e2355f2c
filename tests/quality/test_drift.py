"""The world turns at once: the live hit rate falls, the alarm is raised, and the rate is back within 2,000 events."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import streams
from online_models.default import Default
from streams.quality import LiveQuality, Trial

from .size import LONG

TURN = 3_000
WITHIN = 2_000
"""So many events after the turn the rate has to be back."""
BACK = 0.8
"""To this share of what it was, each beside the best that was possible then."""


@pytest.mark.parametrize("seed", range(8, 12) if LONG else [8])
def test_the_rate_recovers_and_the_alarm_is_raised(seed: int) -> None:
    stream = streams.make("films", 2 * TURN, seed=seed, drift=0.5, drift_kind="both")
    model = Default()
    own: dict[str, list[str]] = {}
    hits: list[bool] = []
    raised: list[bool] = []

    def hit(trial: Trial) -> bool:
        hits.append(trial.item in model.recommend(trial.user, 10, trial.own, trial.at))
        return hits[-1]

    quality = LiveQuality({"default": hit})
    for user, item, y, x in stream.feed(model):
        if len(hits) == TURN + WITHIN:
            break
        quality.test(Trial(user, item, own.get(user, []), x["timestamp"], 9, 9))
        raised.append(quality.alarm.raised)
        model.learn_one(user, item, y, x)
        own.setdefault(user, []).append(item)

    def share(start: int, stop: int) -> float:
        """HR@10 beside the oracle's."""
        return float(np.mean(hits[start:stop])) / stream.best(start, stop).hr

    before = share(TURN - 1_000, TURN)
    assert share(TURN, TURN + 250) < 0.75 * before
    assert share(TURN + WITHIN - 1_000, TURN + WITHIN) > BACK * before
    assert not any(raised[:TURN])
    assert any(raised[TURN : TURN + 1_000])
    assert quality.alarm.last is not None
    assert abs(quality.alarm.last.began - TURN) < 250
