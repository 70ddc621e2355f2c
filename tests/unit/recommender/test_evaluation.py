from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.popularity import DecayedPopularity, Popularity
from recommender.evaluation import Event, Ranked, evaluate, label_similarity, strict_place, unlikeness
from recommender.evaluation.scores import gini

K = 3
LABELS: dict[Hashable, list[str]] = {f"i{item}": [f"c{item % 3}", f"d{item % 2}"] for item in range(9)}
streams = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 8), st.booleans()), max_size=60)


def percentile(item: str, counts: Counter[str]) -> float:
    """The share of the items with events that have fewer, and half of those with as many."""
    if not counts[item]:
        return 0.0
    fewer = sum(counts[item] > count for count in counts.values())
    return (fewer + sum(counts[item] == count for count in counts.values()) / 2) / len(counts)


def twin(triples: list[tuple[int, int, bool]], every: int, repeats: bool) -> dict[str, dict[str, Any]]:
    """Popularity, evaluated by ranking every item in full, and measured by the definitions, event by event."""
    learned: list[tuple[str, str]] = []
    rows: list[dict[str, Any]] = []
    for number, (u, i, ranked) in enumerate(triples):
        user, item = f"u{u}", f"i{i}"
        counts = Counter(name for _, name in learned)
        own = [name for someone, name in learned if someone == user]
        if number % every == 0 and ranked:
            rivals = sorted((name for name in counts if repeats or name not in own), key=lambda n: (-counts[n], n))
            shown = rivals[:K]
            place = sum(counts[rival] >= counts[item] for rival in rivals) - 1 if item in rivals else None
            hit = place is not None and place < K
            pairs = [(a, b) for a in shown for b in shown if a != b]
            alike = [len({*LABELS[a]} & {*LABELS[b]}) / len({*LABELS[a]} | {*LABELS[b]}) for a, b in pairs]
            bits = [-math.log2((counts[name] + 1) / (len(learned) + len(counts))) for name in shown]
            rows.append(
                {
                    "cold_items": counts[item] <= 5,
                    "cold_users": len(own) <= 2,
                    "hr": float(hit),
                    "ndcg": 1 / math.log2(place + 2) if hit and place is not None else 0.0,
                    "mrr": 1 / (place + 1) if hit and place is not None else 0.0,
                    "precision": len({item} & set(shown)) / K if hit else 0.0,
                    "recall": float(hit),
                    "diversity": 1 - sum(alike) / len(alike) if alike else None,
                    "novelty": sum(bits) / len(bits) if bits else None,
                    "popularity": sum(percentile(name, counts) for name in shown) / len(shown) if shown else None,
                    "shown": shown,
                }
            )
        learned.append((user, item))
    items = {name for _, name in learned}
    return {
        "all": means(rows, items),
        "cold_items": means([row for row in rows if row["cold_items"]], items),
        "cold_users": means([row for row in rows if row["cold_users"]], items),
    }


def means(rows: list[dict[str, Any]], items: set[str]) -> dict[str, Any]:
    def mean(name: str) -> float | None:
        values = [row[name] for row in rows if row[name] is not None]
        return sum(values) / len(values) if values else None

    names = ("hr", "ndcg", "mrr", "precision", "recall", "diversity", "novelty", "popularity")
    out: dict[str, Any] = {f"{name}@{K}": mean(name) for name in names}
    precision, recall = out[f"precision@{K}"], out[f"recall@{K}"]
    out[f"f1@{K}"] = None if not rows else 2 * precision * recall / ((precision + recall) or 1)
    exposure = [sum(name in row["shown"] for row in rows) for name in items]
    out[f"coverage@{K}"] = sum(count > 0 for count in exposure) / len(items) if rows else None
    apart = sum(abs(a - b) for a in exposure for b in exposure)
    out[f"gini@{K}"] = apart / (2 * len(items) * sum(exposure)) if sum(exposure) else None
    return {**out, "events": len(rows)}


@settings(deadline=None)
@given(streams, st.integers(1, 4), st.booleans())
def test_it_measures_what_a_full_ranking_and_the_definitions_do(
    triples: list[tuple[int, int, bool]], every: int, repeats: bool
) -> None:
    events: list[Event] = [(f"u{u}", f"i{i}", 1.0, {"type": "click" if ranked else "ask"}) for u, i, ranked in triples]
    report = evaluate(
        Popularity(), events, every, k=K, repeats=repeats, unranked=("ask",), similarity=label_similarity(LABELS)
    )
    found = report.as_dict()
    for name, expected in twin(triples, every, repeats).items():
        measured = found if name == "all" else found[name]
        assert {key: measured[key] for key in expected} == pytest.approx(expected), name
    assert found["learned"] == len(triples)


class Fixed:
    """Always recommends the same items with the same scores."""

    def __init__(self, found: list[tuple[str, float]]) -> None:
        self.found = found
        self.asked: list[tuple[Any, ...]] = []

    def learn_one(self, user: Any, item: Any, y: float, x: Any = None) -> None:
        self.asked.append(("learn", user, item, y, x))

    def scored(self, user: Any, k: int, exclude: Any = (), at: int | None = None) -> list[tuple[str, float]]:
        self.asked.append(("list", user, k, set(exclude), at))
        return [pair for pair in self.found if pair[0] not in exclude][:k]


def test_predicted_first_then_learned_at_the_events_time() -> None:
    model = Fixed([])
    evaluate(model, [("u", "a", 1.0, {"timestamp": 5}), ("u", "b", -1.0, None), ("u", "c", 1.0, None)], every=2)
    assert model.asked == [
        ("list", "u", 11, set(), 5),
        ("learn", "u", "a", 1.0, {"timestamp": 5}),
        ("learn", "u", "b", -1.0, None),
        ("list", "u", 11, {"a", "b"}, None),
        ("learn", "u", "c", 1.0, None),
    ]


def test_every_metric_by_hand() -> None:
    found = [("a", 3.0), ("b", 2.0), ("c", 1.0)]
    events: list[Event] = [("u1", "b", 1.0, None), ("u2", "z", 1.0, None)]
    labels = label_similarity({"a": ["x"], "b": ["x"], "c": ["y"]})
    metrics = evaluate(Fixed(found), events, k=3, similarity=labels).as_dict()
    assert metrics["hr@3"] == metrics["recall@3"] == 0.5
    assert metrics["precision@3"] == pytest.approx(0.5 / 3)
    assert metrics["f1@3"] == pytest.approx(np.mean([2 * (1 / 3) * 1 / (1 / 3 + 1), 0.0]))
    assert metrics["ndcg@3"] == pytest.approx(0.5 / math.log2(3))
    assert metrics["mrr@3"] == pytest.approx(0.25)
    assert metrics["coverage@3"] == 3 / 4  # a, b, c out of a, b, c, z
    assert metrics["diversity@3"] == pytest.approx(2 / 3)
    assert metrics["gini@3"] == pytest.approx(1 / 4)  # 2, 2, 2, 0
    # At the first event nothing is known; at the second b had one event of one: it has 2 of 2, a and c 1 of 2 each.
    assert metrics["novelty@3"] == pytest.approx((0 + (0 + 1 + 1) / 3) / 2)
    assert metrics["popularity@3"] == pytest.approx((0 + (0.5 + 0 + 0) / 3) / 2)
    assert metrics["errors"]["hr@3"] == pytest.approx(np.std([1, 0], ddof=1) / math.sqrt(2))
    assert metrics["cold_items"]["events"] == metrics["cold_users"]["events"] == 2


@pytest.mark.parametrize(
    ("found", "place"),
    [
        ([("t", 1.0), ("a", 0.5)], 0),
        ([("a", 1.0), ("t", 1.0), ("b", 0.5)], 1),
        ([("t", 1.0), ("a", 1.0), ("b", 1.0)], None),
        ([("a", 1.0), ("b", 0.5)], None),
    ],
)
def test_ties_count_against(found: list[tuple[str, float]], place: int | None) -> None:
    assert strict_place("t", found, 2) == place


def test_nothing_measured_is_none() -> None:
    metrics = evaluate(Popularity(), []).as_dict()
    assert metrics["hr@10"] is metrics["diversity@10"] is metrics["coverage@10"] is metrics["gini@10"] is None
    assert metrics["events"] == metrics["cold_items"]["events"] == 0
    assert metrics["windows"] == []
    assert unlikeness(label_similarity({}), ["a"]) is None


def test_progress_is_told() -> None:
    heard: list[tuple[int, int]] = []
    events: list[Event] = [("u", f"i{n}", 1.0, None) for n in range(5)]
    evaluate(Popularity(), events, 2, lambda number, report: heard.append((number, report.every.events)))
    assert heard == [(1, 1), (3, 2), (5, 3)]


@pytest.mark.parametrize("wrong", [{"every": 0}, {"k": 0}, {"delay_ms": -1}, {"window": 1}])
def test_wrong_use(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        evaluate(Popularity(), [], **wrong)  # type: ignore[arg-type]


def test_a_known_model_scores_as_chance_on_noise() -> None:
    rng = random.Random(0)
    events: list[Event] = [(f"u{rng.randrange(50)}", f"i{rng.randrange(400)}", 1.0, None) for _ in range(3000)]
    rate = evaluate(Popularity(), events).as_dict()["hr@10"]
    assert rate < 3 * 10 / 400


def test_windows_hold_the_newest_ranked_events() -> None:
    seen: list[Ranked] = []
    events: list[Event] = [(f"u{n % 7}", f"i{n % 5 if n < 60 else n}", 1.0, {"timestamp": n}) for n in range(100)]
    report = evaluate(Popularity(), events, 2, window=20, record=seen.append)
    points = report.as_dict()["windows"]
    assert [point["event"] for point in points] == [39, 59, 79, 99]  # after 20, 30, 40, 50 ranked ones
    for point in points:
        newest = [ranked for ranked in seen if ranked.number < point["event"]][-20:]
        assert point["ranked"] == 20
        assert point["timestamp"] == newest[-1].at
        assert point["hr@10"] == pytest.approx(np.mean([ranked.place is not None for ranked in newest]))
        assert point["ndcg@10"] == pytest.approx(np.mean([ranked.gain for ranked in newest]))
        cold = [ranked.place is not None for ranked in newest if ranked.cold_item]
        assert point["cold_items_hr@10"] == (pytest.approx(np.mean(cold)) if cold else None)
    assert points[0]["hr@10"] > 0.3 > 0.0 == points[-1]["hr@10"]


def test_a_stream_shorter_than_a_window_is_one() -> None:
    events: list[Event] = [("u", f"i{n}", 1.0, None) for n in range(5)]
    points = evaluate(Popularity(), events).as_dict()["windows"]
    assert [(point["event"], point["ranked"]) for point in points] == [(5, 5)]


def test_gini_of_all_alike_and_of_one_for_all() -> None:
    assert gini([3, 3, 3], 3) == pytest.approx(0.0)
    assert gini([9], 1000) == pytest.approx(0.999)


DELAYED: list[Event] = [
    ("u", "a", 1.0, {"timestamp": 0}),
    ("v", "b", 1.0, {"timestamp": 100}),
    ("u", "c", 1.0, {"timestamp": 150}),
    ("v", "d", 1.0, {"timestamp": 200}),
    ("v", "e", 1.0, {"timestamp": 260}),
]


def learned_before(model: Fixed, number: int) -> list[str]:
    """The items that were learned before the list number so many was asked for."""
    lists = [at for at, call in enumerate(model.asked) if call[0] == "list"]
    return [call[2] for call in model.asked[: lists[number]] if call[0] == "learn"]


def test_feedback_comes_late_by_event_time() -> None:
    model = Fixed([])
    evaluate(model, DELAYED, delay_ms=100)
    assert [learned_before(model, number) for number in range(5)] == [[], ["a"], ["a"], ["a", "b"], ["a", "b", "c"]]
    assert [call[2] for call in model.asked if call[0] == "learn"] == ["a", "b", "c", "d", "e"]
    # What a list leaves out does not wait.
    assert [call[3] for call in model.asked if call[0] == "list"][-1] == {"b", "d"}


def test_a_users_own_feedback_may_come_at_once() -> None:
    model = Fixed([])
    evaluate(model, DELAYED, delay_ms=1000, own_at_once=True)
    expected = [[], [], ["a"], ["a", "b"], ["a", "b", "d"]]
    assert [learned_before(model, number) for number in range(5)] == expected
    assert [call[2] for call in model.asked if call[0] == "learn"] == ["a", "b", "d", "c", "e"]


def test_one_wrong_clock_keeps_nothing_waiting() -> None:
    model = Fixed([])
    upset: list[Event] = [*DELAYED[:1], ("w", "x", 1.0, {"timestamp": 253_402_300_799_999}), *DELAYED[1:]]
    evaluate(model, upset, delay_ms=100)
    assert learned_before(model, 5) == ["a", "b", "c"]
    assert [call[2] for call in model.asked if call[0] == "learn"][-1] == "x"


def test_a_longer_delay_never_helps_a_model_of_the_newest_trend() -> None:
    rng = random.Random(2)
    events: list[Event] = [
        (f"u{n}", f"i{n // 20 + rng.randrange(3)}", 1.0, {"timestamp": 1000 * n}) for n in range(2000)
    ]
    rates = []
    for delay_s in (0, 5, 50, 500):
        model = DecayedPopularity(half_life_ms=20_000)
        rates.append(evaluate(model, events, k=3, delay_ms=1000 * delay_s).as_dict()["hr@3"])
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[-1] + 0.3
