"""One suite for every index of item vectors."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding_worker.exact_index import ExactIndex
from embedding_worker.index import ItemIndex
from embedding_worker.vector_index import VectorIndex
from recommender.vectors import BadVectorError

Make = Callable[..., VectorIndex]


def _early_graph(dim: int, max_items: int = 200_000) -> ItemIndex:
    """A graph from the tenth row on, so that small tests reach it."""
    return ItemIndex(dim, max_items, exact_below=10, buffer=4)


@pytest.fixture(params=[ExactIndex, ItemIndex, _early_graph], ids=["exact", "hnsw", "hnsw-early"])
def make(request: pytest.FixtureRequest) -> Make:
    found: Make = request.param
    return found


def settle(index: VectorIndex) -> None:
    if isinstance(index, ItemIndex):
        while index.maintain(1.0):
            pass


def points(count: int, dim: int = 16, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def test_an_item_is_found_the_moment_it_is_put(make: Make) -> None:
    index = make(16)
    for number, vector in enumerate(points(300)):
        index.put(f"i{number}", vector)
        assert index.search(vector, 1)[0][0] == f"i{number}"
        if number % 50 == 0:
            settle(index)


def test_scores_are_cosines_best_first_ties_by_id(make: Make) -> None:
    index = make(2)
    index.put_many([("b", [3, 0]), ("a", [1, 0]), ("c", [1, 1]), ("d", [-1, 0]), ("e", [7, 0])])
    assert [item for item, _ in index.search([2, 0], 5)] == ["a", "b", "e", "c", "d"]
    assert [score for _, score in index.search([2, 0], 5)] == pytest.approx([1, 1, 1, 2**-0.5, -1], abs=1e-3)
    assert [item for item, _ in index.search([2, 0], 2)] == ["a", "b"]


def test_asking_for_more_than_there_is(make: Make) -> None:
    index = make(4)
    assert index.search([1, 0, 0, 0], 10) == []
    index.put("a", [1, 0, 0, 0])
    assert len(index.search([1, 0, 0, 0], 10)) == 1
    assert index.search([1, 0, 0, 0], 0) == []


def test_all_live_items_are_found_and_none_else(make: Make) -> None:
    index = make(16)
    vectors = points(400)
    index.put_many((f"i{number}", vector) for number, vector in enumerate(vectors))
    settle(index)
    for number in range(0, 400, 3):
        assert index.remove(f"i{number}")
    assert not index.remove("i0")
    alive = {f"i{number}" for number in range(400) if number % 3}
    assert len(index) == len(alive)
    assert {item for item, _ in index.search(vectors[5], 400)} == alive
    found = sum(index.search(vectors[number], 1)[0][0] == f"i{number}" for number in range(400) if number % 3)
    assert found >= 0.995 * len(alive)


def test_a_changed_item_is_found_by_its_new_vector_once(make: Make) -> None:
    index = make(16)
    vectors = points(60)
    index.put_many((f"i{number}", vector) for number, vector in enumerate(vectors))
    settle(index)
    for _ in range(3):
        index.put("i7", -vectors[7])
        settle(index)
    hits = index.search(-vectors[7], 60)
    assert hits[0][0] == "i7"
    assert sorted(item for item, _ in hits) == sorted(f"i{number}" for number in range(60))
    assert len(index) == 60


def test_a_removed_item_lives_again(make: Make) -> None:
    index = make(4)
    index.put("a", [1, 0, 0, 0])
    index.remove("a")
    assert "a" not in index
    assert index.search([1, 0, 0, 0], 1) == []
    index.put("a", [0, 1, 0, 0])
    assert index.search([1, 1, 0, 0], 5)[0][0] == "a"
    assert len(index) == 1


def test_keep_and_exclude(make: Make) -> None:
    index = make(16)
    vectors = points(500)
    index.put_many((f"i{number:03}", vector) for number, vector in enumerate(vectors))
    settle(index)
    rare = index.search(vectors[0], 10, keep=lambda item: item.endswith("77"))
    assert {item for item, _ in rare} == {"i077", "i177", "i277", "i377", "i477"}
    nearest = [item for item, _ in index.search(vectors[0], 50)]
    without = index.search(vectors[0], 20, exclude=set(nearest[:30]))
    assert len(without) == 20
    assert not {item for item, _ in without} & set(nearest[:30])


@pytest.mark.parametrize(
    "vector",
    [[0, 0, 0, 0], [1, 2, 3], [1, 2, 3, 4, 5], [float("nan"), 0, 0, 1], [float("inf"), 0, 0, 0], [[1, 0, 0, 0]]],
)
def test_bad_vectors_are_refused_everywhere_and_change_nothing(make: Make, vector: list[float]) -> None:
    index = make(4)
    index.put("a", [1, 0, 0, 0])
    with pytest.raises(BadVectorError):
        index.put("b", vector)
    with pytest.raises(BadVectorError):
        index.put_many([("c", [0, 1, 0, 0]), ("b", vector)])
    with pytest.raises(BadVectorError):
        index.search(vector, 1)
    assert len(index) == 1
    assert index.search([1, 1, 0, 0], 9)[0][0] == "a"


def test_vectors_come_back(make: Make) -> None:
    index = make(16)
    vectors = points(20)
    index.put_many((f"i{number}", vector) for number, vector in enumerate(vectors))
    expected = vectors[3] / np.linalg.norm(vectors[3])
    held = index.vector("i3")
    assert held is not None
    np.testing.assert_allclose(held, expected, atol=1e-3)
    assert index.vector("nobody") is None
    matrix, known = index.vectors(["i3", "nobody", "i4"])
    assert known.tolist() == [True, False, True]
    np.testing.assert_array_equal(matrix[0], held)
    assert not matrix[1].any()


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=60))
@settings(max_examples=40, deadline=None)
def test_mean_and_length_follow_every_change(steps: list[tuple[int, bool]]) -> None:
    vectors = points(60, dim=4, seed=3)
    for index in (ExactIndex(4), _early_graph(4), ExactIndex(4, max_items=1_000)):
        held: dict[str, np.ndarray] = {}
        for (number, put), vector in zip(steps, vectors, strict=False):
            if put:
                index.put(f"i{number}", vector)
                held[f"i{number}"] = vector / np.linalg.norm(vector)
            else:
                assert index.remove(f"i{number}") == (held.pop(f"i{number}", None) is not None)
            settle(index)
        assert len(index) == len(held)
        expected = np.mean(list(held.values()), axis=0) if held else np.zeros(4)
        np.testing.assert_allclose(index.mean, expected, atol=2e-3)


def test_it_is_bounded_and_the_oldest_vector_leaves(make: Make) -> None:
    index = make(16, max_items=50)
    vectors = points(120)
    for number, vector in enumerate(vectors):
        index.put(f"i{number}", vector)
        index.put("i0", vectors[0])
        settle(index)
    assert len(index) == 50
    assert "i0" in index
    assert "i1" not in index
    assert "i119" in index


def test_many_changes_do_not_gather(make: Make) -> None:
    index = make(4)
    vectors = points(5_000, dim=4)
    for number, vector in enumerate(vectors):
        index.put(f"i{number % 10}", vector)
        if number % 100 == 0:
            settle(index)
    settle(index)
    assert len(index) == 10
    assert index._rows.used < 2_500  # type: ignore[attr-defined]
    assert index.search(vectors[4_999], 1)[0][0] == "i9"


def test_searching_while_another_thread_writes(make: Make) -> None:
    index = make(16)
    vectors = points(3_000)
    errors: list[Exception] = []
    done = threading.Event()

    def write() -> None:
        try:
            for number, vector in enumerate(vectors):
                index.put(f"i{number % 1_500}", vector)
                if number % 7 == 0:
                    index.remove(f"i{number % 1_500}")
                if number % 100 == 0:
                    settle(index)
        except Exception as error:
            errors.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        hits = index.search(vectors[0], 20)
        assert len({item for item, _ in hits}) == len(hits)
    thread.join()
    assert not errors
