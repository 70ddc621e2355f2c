"""The streams of `benchmarks/quality.py`: what they hold, and that their protocol is the one that was tried."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import quality_streams, stackexchange
from benchmarks.quality_runs import run
from benchmarks.quality_tables import difference, section
from online_models.popularity import DecayedPopularity
from online_models.registry import make
from recommender.evaluation import Event, evaluate


def no_vectors(*_: Any) -> dict[Any, Any]:
    return {}


def test_beer_has_its_questions_and_events() -> None:
    events, items = stackexchange.events(), stackexchange.items()
    assert (len(events), len({event.user for event in events}), len(items)) == (4013, 908, 591)
    asked = {item.item: item.timestamp for item in items}
    assert all(event.timestamp >= asked[event.item] for event in events)
    assert items[0].title == "What is a citra hop, and how does it differ from other hops?"
    assert not [item for item in items if "<p>" in item.text or "&amp;" in item.text]


def test_beer_is_ranked_as_when_decayed_popularity_was_738() -> None:
    course = quality_streams.make(quality_streams.BEER, no_vectors)
    by_number: list[Event] = [
        (user, item, y, {**(x or {}), "timestamp": 1000 + 1000 * number})
        for number, (user, item, y, x) in enumerate(course.feed(make("popularity")))
    ]
    # Popularity that is halved every eight events.
    model = DecayedPopularity(half_life_ms=8000.0)
    found = evaluate(model, by_number, repeats=course.repeats, unranked=course.unranked).as_dict()
    assert found["hr@10"] == pytest.approx(0.738, abs=0.003)
    assert found["ndcg@10"] == pytest.approx(0.458, abs=0.006)


class Announced:
    """Notes what comes before what."""

    def __init__(self) -> None:
        self.items: dict[Any, Any] = {}

    def add_item(self, item: Any, vector: Any = None, text: Any = None, timestamp: Any = None) -> None:
        assert text
        self.items.setdefault(item, vector)


@pytest.mark.parametrize("name", quality_streams.names())
def test_nothing_tells_of_an_event_before_it(name: str) -> None:
    course = quality_streams.make(name, no_vectors, limit=400)
    model, times = Announced(), []
    for number, (_, item, y, x) in enumerate(course.feed(model)):  # type: ignore[arg-type]
        assert x is not None
        assert np.isfinite(y)
        times.append(x["timestamp"])
        if name == quality_streams.MOVIES:
            assert len(model.items) <= number  # films are announced by their first event only
        else:
            assert item in model.items
    assert len(times) == course.events == 400
    assert times == sorted(times)


def test_a_run_is_timed_and_told() -> None:
    course = quality_streams.make("films", no_vectors, limit=300)
    runs = [run(course, name, 1) for name in ("default", "item_item", "decayed_popularity:half_life_ms=3600000")]
    assert all(one.learn_us > 0 < one.list_us for one in runs)
    assert len(runs[0].hits) == runs[0].measures["events"] == 300
    assert course.best is not None
    assert 0 < runs[0].measures["hr@10"] < course.best[0] + 0.05
    told = section(course, 1, runs, "default").splitlines()
    rows = [line for line in told if line.startswith("|")]
    assert len(rows) == 2 + len(runs)
    assert len({len(line) for line in rows}) == 1
    assert sum(line.startswith("- ") for line in told) == 3
    assert f"{runs[0].measures['hr@10']:.4f}" in rows[2]


def test_a_difference_is_paired() -> None:
    mean, error = difference([1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0])
    assert mean == 0.5
    assert error == pytest.approx(np.std([0, 1, 0, 1], ddof=1) / 2)
