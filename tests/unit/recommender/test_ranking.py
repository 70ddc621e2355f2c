"""Order, diversity and seats: all of it in the score."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.calibration import Calibrating, Capped, Labels, distance, furthest, mix_of
from recommender.ranking import Diverse, Scored, give_seats, in_order, leading, rerank, seekers, width

SCORES = st.lists(st.floats(-5, 5), min_size=1, max_size=25)


def scored(values: list[float]) -> Scored:
    return Scored([f"i{n:02}" for n in range(len(values))], ("part",), np.array(values)[:, None])


@settings(deadline=None)
@given(SCORES, st.integers(1, 30))
def test_leading_is_the_head_of_the_order(values: list[float], n: int) -> None:
    order = sorted(range(len(values)), key=lambda place: (-values[place], place))
    assert leading(scored(values), n).tolist() == order[:n]


CATEGORIES: tuple[list[str], ...] = (["a"], ["b"], ["a", "c"], [])


@settings(deadline=None)
@given(SCORES, st.integers(1, 30), *[st.floats(0, 1)] * 2, st.integers(0, 4), st.integers(0, 100))
def test_a_list_is_in_score_order_whatever_the_dials(
    values: list[float], n: int, dial: float, mixing: float, cap: int, seed: int
) -> None:
    candidates = scored(values)
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(values), 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pool = leading(candidates, len(values))
    of = [CATEGORIES[at] for at in rng.integers(4, size=len(values))]
    labels = Labels([of[place] for place in pool.tolist()], ["a", "b"])
    span = width(candidates, pool)
    listed = rerank(
        candidates,
        pool,
        n,
        Diverse((vectors @ vectors.T)[np.ix_(pool, pool)], dial, span) if dial else None,
        Calibrating(labels.shares, labels.mix({"a": 0.75, "b": 0.25}), n, mixing, span) if mixing else None,
        Capped(labels.shares, labels.names, cap) if cap else None,
    )
    in_final_order = in_order(candidates, listed)
    total = candidates.total
    assert len(set(listed.tolist())) == len(listed)
    assert np.all(np.diff(total[listed]) <= 1e-9)
    assert np.all(np.diff(total[in_final_order]) <= 0.0)
    assert set(candidates.names) == {"part", *["diversity"] * (dial > 0), *["calibration"] * (mixing > 0)}
    if cap:
        counted = [label for place in listed.tolist() for label in of[place]]
        assert all(counted.count(label) <= cap for label in "abc")
    else:
        assert len(listed) == min(n, len(values))
        # Nobody who was not taken has a better score than who was.
        rest = sorted(set(range(len(values))) - set(listed.tolist()))
        assert not rest or total[rest].max() <= total[listed].min() + 1e-9


MIXES = st.lists(st.integers(1, 20), min_size=2, max_size=6)


@given(MIXES, st.integers(2, 40), st.integers(0, 1000))
def test_a_calibrated_list_is_as_near_to_the_history_as_is_said(parts: list[int], n: int, seed: int) -> None:
    names = [chr(ord("a") + at) for at in range(len(parts))]
    wanted = {name: part / sum(parts) for name, part in zip(names, parts, strict=True)}
    of = [[name] for name in names for _ in range(n)]
    candidates = scored(np.random.default_rng(seed).normal(size=len(of)).tolist())
    pool = leading(candidates, len(of))
    labels = Labels([of[place] for place in pool.tolist()])
    calibrating = Calibrating(labels.shares, labels.mix(wanted), n, 1.0, width(candidates, pool))
    listed = rerank(candidates, pool, n, calibrating=calibrating)
    got = mix_of([of[place] for place in listed.tolist()], [1.0] * n)
    assert distance(got, wanted) <= furthest(len(parts), n) + 1e-9


def test_at_dial_0_the_mix_is_nothing_and_between_it_is_a_trade() -> None:
    rng = np.random.default_rng(5)
    of = [["a"]] * 60 + [["b"]] * 60
    values = np.concatenate((rng.normal(1.0, 1.0, 60), rng.normal(0.0, 1.0, 60))).tolist()
    wanted = {"a": 0.2, "b": 0.8}
    distances = []
    for dial in (0.01, 0.1, 1.0):
        candidates = scored(values)
        pool = leading(candidates, len(of))
        labels = Labels([of[place] for place in pool.tolist()])
        calibrating = Calibrating(labels.shares, labels.mix(wanted), 20, dial, width(candidates, pool))
        listed = rerank(candidates, pool, 20, calibrating=calibrating)
        distances.append(distance(mix_of([of[place] for place in listed.tolist()], [1.0] * 20), wanted))
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 0.25
    assert distances[-1] <= furthest(2, 20)


def test_diversity_prefers_the_unlike() -> None:
    candidates = scored([3.0, 2.9, 2.0])
    alike = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    pool = leading(candidates, 3)
    assert rerank(candidates, pool, 2, Diverse(alike, 1.0, width(candidates, pool))).tolist() == [0, 2]
    assert candidates.names == ("part", "diversity")


def test_seats_are_paid_with_a_part_of_the_score() -> None:
    candidates = scored([3.0, 2.5, 2.0, 1.0, 0.5])
    listed = give_seats(candidates, leading(candidates, 3), np.array([4, 1]), "newcomer")
    assert listed.tolist() == [0, 4, 1]
    assert candidates.total.tolist() == [3.0, 2.0, 2.0, 1.0, 2.5]
    assert candidates.values[4].tolist() == [0.5, 2.0]


def test_fewer_seats_are_given_where_few_seek_them() -> None:
    candidates = scored([3.0, 2.5, 2.0, 1.0, 0.5, 1.0])
    listed = leading(candidates, 3)
    assert seekers(candidates, np.array([False, True, False, True, True, True]), listed, 1).tolist() == [3, 5, 4]
    # The second of the list seeks one of its last two seats; with one seat it stays where it is.
    assert seekers(candidates, np.array([False, True, False, False, True, False]), listed, 2).tolist() == [1, 4]
    assert seekers(candidates, np.array([False, True, False, False, False, False]), listed, 2).tolist() == []


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12), st.integers(0, 9))
def test_rows_are_rounded_as_numpy_does(values: list[float], decimals: int) -> None:
    candidates, places = scored(values), np.arange(len(values))[::-1].copy()
    candidates.add("other", np.array(values) / 3.0)
    assert candidates.rows(places, decimals) == np.round(candidates.values[places], decimals).tolist()
