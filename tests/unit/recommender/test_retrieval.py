"""Candidates: sources, bounds, and the way down to any item at all."""

import numpy as np

from recommender.numbering import Array, best
from recommender.retrieval import ALL, Evidences, Near, retrieve

TIE = np.arange(5000, dtype=np.uint64)


def largest(values: Array, k: int) -> Near:
    """A source that names the items with the `k` largest values."""
    return lambda allowed: best(np.where(allowed[: len(values)], values, -np.inf), TIE, k)


def test_few_items_are_all_candidates() -> None:
    allowed = np.ones(10, np.bool_)
    allowed[3] = False
    found = retrieve(Evidences(TIE[:10]), allowed)
    assert found.numbers.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert found.sources(0) == ["catalogue"]


def test_many_items_are_bounded_and_named() -> None:
    values = np.arange(5000, dtype=np.float64)
    found = retrieve(
        Evidences(
            TIE,
            {
                "covisit": largest(values[:1000], 150),
                "trending": largest(values, 100),
                "popular": largest(values[::-1], 100),
                "content": lambda _: np.array([7]),
                "newest": lambda _: np.array([7, 4999]),
            },
        ),
        np.ones(5000, np.bool_),
    )
    assert len(found.numbers) == 150 + 100 + 100 <= ALL
    assert found.sources(found.numbers.tolist().index(7)) == ["popular", "content", "newest"]
    assert found.sources(found.numbers.tolist().index(4999)) == ["trending", "newest"]


def test_what_is_not_allowed_makes_place_for_the_next() -> None:
    allowed = np.ones(5000, np.bool_)
    allowed[4900:] = False
    found = retrieve(Evidences(TIE, {"trending": largest(np.arange(5000.0), 100)}), allowed)
    assert found.numbers.tolist() == list(range(4800, 4900))


def test_without_any_evidence_there_is_still_a_list() -> None:
    found = retrieve(Evidences(TIE), np.ones(5000, np.bool_), at_least=20)
    assert found.numbers.tolist() == list(range(20))


def test_nothing_allowed_gives_nothing() -> None:
    assert not len(retrieve(Evidences(TIE), np.zeros(5000, np.bool_), at_least=5).numbers)
