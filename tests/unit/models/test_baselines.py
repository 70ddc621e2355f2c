"""The baselines against their definitions: what tests/contract/test_models.py cannot see."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Hashable
from typing import Any

import implicit.als
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from threadpoolctl import threadpool_limits

from online_models.base import Event
from online_models.baselines.als import ALS
from online_models.baselines.bpr import BPR
from online_models.baselines.content_only import ContentOnly
from online_models.baselines.ease import EASE
from online_models.baselines.isgd import ISGD
from online_models.baselines.vs_knn import VSkNN
from online_models.registry import make

BASELINES = ("isgd", "bpr", "ease", "als", "vs_knn", "content")
START = 1_367_884_800_000
MINUTE = 60_000


def clicks(pairs: list[tuple[Any, Any]], step_ms: int = MINUTE) -> list[Event]:
    return [(user, item, 1.0, {"timestamp": START + step_ms * n}) for n, (user, item) in enumerate(pairs)]


def crowd(events: int = 3000, users: int = 700, items: int = 400, seed: int = 2) -> list[tuple[str, str]]:
    """Users of four tastes among many items."""
    rng = random.Random(seed)
    out = []
    for _ in range(events):
        user = rng.randrange(users)
        out.append((f"u{user}", f"i{4 * int(rng.triangular(0, items // 4, 0)) + user % 4}"))
    return out


def taste(item: Hashable) -> int:
    return int(str(item)[1:]) % 4


@pytest.mark.parametrize("name", BASELINES)
def test_it_grows_with_its_users_and_items(name: str) -> None:
    model = make(name)
    model.learn_many(clicks(crowd()))
    assert len(model.known()) > 256
    copy = make(name)
    copy.load(model.save())
    for user in ("u0", "u13", "u699", "nobody"):
        assert len(found := model.scored(user, 50)) == 50
        assert copy.scored(user, 50) == found


@pytest.mark.parametrize("name", ["isgd", "bpr", "ease", "als", "vs_knn"])
def test_tastes_are_found_in_a_crowd(name: str) -> None:
    model = make(name)
    model.learn_many(clicks(crowd(users=60, items=120), step_ms=5000))
    lists = {user: model.recommend(f"u{user}", 10) for user in range(60)}
    share = np.mean([taste(item) == user % 4 for user, items in lists.items() for item in items])
    assert share > 0.6  # chance: 0.25


@pytest.mark.parametrize("name", BASELINES)
def test_nobody_gets_the_trend(name: str) -> None:
    model, trend = make(name), make("decayed_popularity")
    for one in (model, trend):
        one.learn_many(clicks(crowd()))
    assert model.recommend("nobody", 30) == trend.recommend("nobody", 30)


@pytest.mark.parametrize("name", ["isgd", "bpr", "ease", "als", "vs_knn"])
def test_users_are_bounded(name: str) -> None:
    model = make(name, max_users=200)
    pairs = crowd()
    model.learn_many(clicks(pairs))
    newest = list(dict.fromkeys(user for user, _ in reversed(pairs)))
    trend = make("decayed_popularity")
    trend.learn_many(clicks(pairs))
    gone = [model.recommend(user, 10) == trend.recommend(user, 10) for user in newest]
    assert all(gone[200:])
    assert not all(gone[:200])


def test_ease_is_the_ridge_regression_of_each_item_on_the_others() -> None:
    rng = np.random.default_rng(3)
    taken = (rng.random((40, 8)) < 0.4).astype(float)
    pairs = [(f"u{u}", f"i{i}") for u, i in zip(*np.nonzero(taken), strict=True)]
    model = EASE(every=len(pairs), l2=3.0)
    model.learn_many(clicks(pairs))
    expected = np.zeros((8, 8))
    for item in range(8):
        others = [other for other in range(8) if other != item]
        x = taken[:, others]
        expected[others, item] = np.linalg.solve(x.T @ x + 3.0 * np.eye(7), x.T @ taken[:, item])
    scores = dict(model.scored("u0", 8))
    for item in range(8):
        assert scores[f"i{item}"] == pytest.approx(taken[0] @ expected[:, item], abs=1e-5)


def test_als_comes_as_near_as_implicit() -> None:
    pairs = crowd(events=1500, users=60, items=40)
    places = {item: place for place, item in enumerate(sorted({item for _, item in pairs}))}
    counts = np.zeros((60, len(places)))
    for user, item in pairs:
        counts[int(user[1:]), places[item]] += 1
    options = {"factors": 4, "regularization": 2.0, "iterations": 30, "use_cg": False, "use_gpu": False}
    with threadpool_limits(1, "blas"):
        peer = implicit.als.AlternatingLeastSquares(**options, alpha=1.0, random_state=0, dtype=np.float64)
        # Its values are the confidences themselves.
        peer.fit(sparse.csr_matrix(np.where(counts > 0, 1.0 + 5.0 * counts, 0.0)), show_progress=False)
    model = ALS(n_factors=4, alpha=5.0, l2=2.0, first_rounds=30, every=len(pairs), history=1000)
    model.learn_many(clicks(pairs))
    scores = np.zeros_like(counts)
    for number in range(60):
        for name, score in model.scored(f"u{number}", 100):
            scores[number, places[str(name)]] = score
    # The products alone: both sides' lengths can be split at will, so the fit is compared, not the penalty.
    mine = ((1.0 + 5.0 * counts) * ((counts > 0) - scores) ** 2).sum()
    peers = ((1.0 + 5.0 * counts) * ((counts > 0) - peer.user_factors @ peer.item_factors.T) ** 2).sum()
    assert mine == pytest.approx(peers, rel=0.05)


def test_batch_models_are_fitted_on_their_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[int] = []
    model = EASE(every=1000)
    fit = model._fit

    def counted(users: list[Any]) -> None:
        fits.append(model._events)
        fit(users)

    monkeypatch.setattr(model, "_fit", counted)
    model.learn_many(clicks(crowd()))
    assert fits == [125, 250, 500, 1000, 2000, 3000]


def test_als_solves_for_a_users_newest_items_at_once() -> None:
    model = ALS(n_factors=8)
    pairs = crowd()
    model.learn_many(clicks(pairs))
    for n in range(3):
        model.learn_one("me", f"i{4 * n + 1}", 1.0, {"timestamp": START + MINUTE * 4000})
    assert np.mean([taste(item) == 1 for item in model.recommend("me", 10)]) > 0.5


def test_isgd_steps_towards_one() -> None:
    model = ISGD(n_factors=8, rate=0.1, l2=0.0)
    errors = []
    for _ in range(80):
        model.learn_one("u", "i", 1.0)
        errors.append(-model.predict_one("u", "i"))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.05 < 0.5 < errors[0]


@pytest.mark.parametrize(("name", "rate"), [("isgd", 3.0), ("bpr", 3.0)])
def test_no_rate_makes_it_diverge(name: str, rate: float) -> None:
    model = make(name, rate=rate, n_factors=4)
    model.learn_many(clicks([(f"u{n % 50}", f"i{n % 7 if n % 2 else 0}") for n in range(4000)]))
    found = [score for user in ("u0", "u33") for _, score in model.scored(user, 7)]
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 1000


def test_bpr_prefers_what_was_taken_to_what_was_not() -> None:
    model = BPR(n_factors=8, draws=3)
    for item in range(30):
        model.add_item(f"i{item}")
    model.learn_many(clicks([("u", f"i{n % 5}") for n in range(200)]))
    assert {f"i{n}" for n in range(5)} == set(model.recommend("u", 5))
    before = model.predict_one("u", "i7")
    model.learn_many([("u", "i7", -1.0, None)] * 20)
    assert model.predict_one("u", "i7") < before


def test_sessions_end_after_half_an_hour() -> None:
    together, apart = VSkNN(), VSkNN()
    for model, gap in ((together, 10 * MINUTE), (apart, 40 * MINUTE)):
        for user in range(5):
            at = START + user * 1000 * MINUTE
            model.learn_one(f"u{user}", "a", 1.0, {"timestamp": at})
            model.learn_one(f"u{user}", "b", 1.0, {"timestamp": at + gap})
        for _ in range(9):
            model.learn_one("other", "c", 1.0, {"timestamp": START + 5000 * MINUTE})
        model.learn_one("me", "a", 1.0, {"timestamp": START + 5001 * MINUTE})
    assert together.recommend("me", 1, exclude=["a"]) == ["b"]
    assert apart.recommend("me", 1, exclude=["a"]) == ["c"]


def test_what_the_newest_session_did_counts_more() -> None:
    model = VSkNN()
    for day, item in ((0, "old"), (60, "new")):
        for user in range(3):
            at = START + day * 1440 * MINUTE
            model.learn_many([(f"{item}{user}", name, 1.0, {"timestamp": at}) for name in ("a", item)])
    model.learn_one("me", "a", 1.0, {"timestamp": START + 61 * 1440 * MINUTE})
    assert model.recommend("me", 2, exclude=["a"]) == ["new", "old"]


def naive_votes(events: list[tuple[int, int, int]], user: int, now: int, model: VSkNN) -> dict[int, float]:
    """The model's definition, said over lists."""
    sessions: list[tuple[int, list[int], int]] = []  # whose, items, newest time
    running: dict[int, int] = {}
    taken: list[int] = []
    for who, item, at in events:
        if who not in running or abs(at - sessions[running[who]][2]) > model.gap_ms:
            sessions.append((who, [], at))
            running[who] = len(sessions) - 1
        _, items, _ = sessions[running[who]]
        sessions[running[who]] = (who, [*(i for i in items if i != item), item], at)
        if who == user:
            taken = [item, *(i for i in taken if i != item)]
    likeness: list[tuple[float, list[int], int]] = []
    for number, (_, items, at) in reversed(list(enumerate(sessions))):
        shared = [(depth, item) for depth, item in enumerate(taken) if item in items]
        if not shared or running.get(user) == number:
            continue
        age = 0.5 ** (max(now - at, 0) / model.session_half_life_ms)
        weight = sum(model.fade**depth for depth, _ in shared) * age / math.sqrt(len(items))
        likeness.append((weight, items, items.index(shared[0][1])))
    votes: dict[int, float] = defaultdict(float)
    for weight, items, place in sorted(likeness, key=lambda one: -one[0])[: model.nearest]:
        for at, item in enumerate(items):
            if at != place:
                votes[item] += weight / max(one[0] for one in likeness) * math.exp(-abs(at - place) / model.reach)
    return votes


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 50)), min_size=1, max_size=40),
    st.integers(0, 3),
)
def test_nearest_sessions_vote_as_defined(steps: list[tuple[int, int, int]], user: int) -> None:
    at, events = START, []
    for who, item, minutes in steps:
        at += minutes * MINUTE
        events.append((who, item, at))
    model = VSkNN(nearest=1000, newest=20)
    model.learn_many([(f"u{who}", f"i{item}", 1.0, {"timestamp": when}) for who, item, when in events])
    expected = naive_votes(events, user, at, model)
    for item in {item for _, item, _ in events}:
        found = model.predict_one(f"u{user}", f"i{item}", {"timestamp": at})
        assert found == pytest.approx(expected.get(item, 0.0), abs=2e-6)  # popularity may add 1e-6


def test_content_is_the_cosine_to_what_was_liked() -> None:
    model = ContentOnly()
    rng = np.random.default_rng(1)
    vectors = {f"i{n}": rng.normal(size=6) for n in range(300)}
    for item, vector in vectors.items():
        model.add_item(item, vector=7.0 * vector)
    model.add_item("bare", text="no vector")
    model.learn_many([("u", "i3", 1.0, None), ("u", "i4", 2.0, None), ("u", "i5", -1.0, None)])
    units = {item: vector / np.linalg.norm(vector) for item, vector in vectors.items()}
    interest = (units["i3"] + units["i4"]) / 2 - np.mean(list(units.values()), axis=0)
    for item, unit in units.items():
        cosine = interest @ unit / np.linalg.norm(interest)
        assert model.predict_one("u", item) == pytest.approx(cosine, abs=2e-6)
    assert abs(model.predict_one("u", "bare")) < 2e-6


@pytest.mark.parametrize("vector", [[0.0, 0.0], [math.nan, 1.0], [1.0], [[1.0, 2.0]]])
def test_what_is_no_vector_is_refused(vector: Any) -> None:
    model = ContentOnly()
    model.add_item("good", vector=[1.0, 2.0])
    before = model.save()
    with pytest.raises(ValueError, match="vector must"):
        model.add_item("bad", vector=vector)
    assert model.save() == before
