"""Live quality: windows, slices and curves against a count by hand; the models' tests against the evaluation."""

import itertools
import random
from collections.abc import Iterator

import pytest

from online_models.base import Event
from online_models.default import Default
from online_models.popularity import DecayedPopularity, Popularity
from online_models.river_mf import BiasedMF
from recommender.evaluation import evaluate
from streams.hit_window import HitWindow
from streams.live_tests import live_tests, trial_of
from streams.outbox import Example
from streams.quality import SLICES, LiveQuality, Trial


def trials(count: int) -> list[Trial]:
    chance = random.Random(0)
    return [
        Trial(f"u{n}", f"i{chance.randrange(4)}", (), n, chance.randrange(12), chance.randrange(5))
        for n in range(count)
    ]


def quality_of(window: int = 50, step: int = 10, points: int = 8) -> LiveQuality:
    tests = {"default": lambda trial: trial.item in ("i0", "i1"), "popularity": lambda trial: trial.item == "i0"}
    return LiveQuality(tests, window, step, points)


def test_each_slice_has_its_own_moving_window() -> None:
    quality, asked = quality_of(), trials(300)
    for trial in asked:
        quality.test(trial)
    told = quality.figures()
    assert told["tested"] == 300
    in_slice = {
        "all": asked,
        "warm_items": [each for each in asked if each.item_events > 5],
        "cold_items": [each for each in asked if each.item_events <= 5],
        "warm_users": [each for each in asked if each.user_events > 2],
        "cold_users": [each for each in asked if each.user_events <= 2],
    }
    for name, those in in_slice.items():
        newest = those[-50:]
        slice_ = told["slices"][name]
        assert (slice_["tested"], slice_["window"]) == (len(those), 50)
        assert slice_["hr@10"]["default"] == round(sum(each.item in ("i0", "i1") for each in newest) / 50, 4)
        assert slice_["hr@10"]["popularity"] == round(sum(each.item == "i0" for each in newest) / 50, 4)
    everything = round(sum(each.item == "i0" for each in asked) / 300, 4)
    assert told["models"]["popularity"] == {
        "hr@10": told["slices"]["all"]["hr@10"]["popularity"],
        "hr@10_all": everything,
    }


def test_the_curves_are_bounded_and_say_what_the_windows_said() -> None:
    quality = quality_of()
    said = {}
    for n, trial in enumerate(trials(300), 1):
        quality.test(trial)
        said[n] = {name: quality.figures()["slices"][name]["hr@10"]["default"] for name in SLICES}
    history = quality.history()
    assert history["tested"] == list(range(230, 301, 10))
    for name in SLICES:
        assert history["rates"][name]["default"] == [said[n][name] for n in history["tested"]]
    assert history["at"] == [n - 1 for n in history["tested"]]


def test_a_restart_goes_on_to_the_same_figures() -> None:
    first, *rest = (trials(300)[start : start + 100] for start in (0, 100, 200))
    whole, until = quality_of(), quality_of()
    for trial in first:
        whole.test(trial)
        until.test(trial)
    after = quality_of()
    after.restore(until.state())
    for trial in itertools.chain(*rest):
        whole.test(trial)
        after.test(trial)
    assert after.figures() == whole.figures()
    assert after.history() == whole.history()
    other = LiveQuality({"default": lambda _: True})
    other.restore(until.state())
    assert other.tested == 0


def test_a_drop_is_told_with_what_the_other_models_did(caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(1)
    rates = {"default": 0.4, "popularity": 0.2}
    quality = LiveQuality(
        {
            "default": lambda _: chance.random() < rates["default"],
            "popularity": lambda _: chance.random() < rates["popularity"],
        }
    )
    for n in range(2_000):
        quality.test(Trial("u", "i", (), n, 9, 9))
    assert quality.figures()["drift"] == {"alarm": False, "alarms": 0}
    rates["default"] = 0.05
    for n in range(2_000, 2_300):
        quality.test(Trial("u", "i", (), n, 9, 9))
    drift = quality.figures()["drift"]
    assert (drift["alarm"], drift["alarms"]) == (True, 1)
    last = drift["last"]
    assert last["before"] > 0.3 > 0.1 > last["after"]
    assert 2_000 <= last["at"] < 2_200
    assert last["models"]["popularity"][1] > 0.1
    assert "the hit rate dropped from" in caplog.text


def test_the_window_around_a_place() -> None:
    window = HitWindow(2, 4)
    for hits in ((True, False), (True, True), (False, True), (False, True), (False, False)):
        window.add(hits)
    assert window.rates_around(2) == ([0.5, 1.0], [0.0, 0.5])
    assert window.rates_around(9) == ([None, None], [0.25, 0.75])


def ratings(count: int) -> Iterator[Event]:
    """Users who take each item once, of two tastes."""
    chance = random.Random(2)
    taken: set[tuple[int, int]] = set()
    at = 0
    while at < count:
        user, item = chance.randrange(60), min(int(chance.expovariate(1 / 12)), 59)
        item = 2 * item + user % 2
        if (user, item) not in taken:
            taken.add((user, item))
            at += 1
            yield f"u{user}", f"i{item}", 1.0, {"timestamp": 60_000 * at, "type": "click"}


def test_the_models_are_tested_as_the_evaluation_does() -> None:
    default = Default()
    quality = LiveQuality(live_tests(default), window=2_000)
    for user, item, y, x in ratings(1_500):
        at = 0 if x is None else int(x["timestamp"])
        trial = trial_of(Example(str(user), str(item), y, "click", at), default.state)
        assert trial is not None
        quality.test(trial)
        default.learn_one(user, item, y, x)
    told = quality.figures()
    twins = {
        "default": Default(), "mf": BiasedMF(), "popularity": Popularity(), "decayed_popularity": DecayedPopularity(),
    }  # fmt: skip
    for name, model in twins.items():
        report = evaluate(model, ratings(1_500)).as_dict()
        assert told["models"][name]["hr@10_all"] == round(report["hr@10"], 4)
        assert told["slices"]["cold_items"]["hr@10"][name] == round(report["cold_items"]["hr@10"], 4)
        assert told["slices"]["cold_users"]["hr@10"][name] == round(report["cold_users"]["hr@10"], 4)
    assert told["models"]["default"]["hr@10_all"] > told["models"]["mf"]["hr@10_all"] > 0.0
