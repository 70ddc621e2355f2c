"""The graph of `ItemIndex`: agreement with the exact scan, draining, building aside."""

import time

import numpy as np

from embedding_worker.exact_index import ExactIndex
from embedding_worker.index import ItemIndex, Upkeep


def clustered(count: int, dim: int = 48) -> np.ndarray:
    random = np.random.default_rng(5)
    centres = random.normal(size=(80, dim))
    return (centres[random.integers(80, size=count)] + 0.5 * random.normal(size=(count, dim))).astype(np.float32)


def both(vectors: np.ndarray) -> tuple[ItemIndex, ExactIndex]:
    index, exact = ItemIndex(vectors.shape[1]), ExactIndex(vectors.shape[1])
    for number, vector in enumerate(vectors):
        index.put(f"i{number}", vector)
        exact.put(f"i{number}", vector)
    return index, exact


def recall(index: ItemIndex, exact: ExactIndex, queries: np.ndarray, k: int = 10) -> float:
    shared = [
        len({i for i, _ in index.search(query, k)} & {i for i, _ in exact.search(query, k)}) / k for query in queries
    ]
    return float(np.mean(shared))


def test_the_graph_agrees_with_the_scan() -> None:
    vectors = clustered(3_000)
    index, exact = both(vectors)
    while index.maintain():
        pass
    assert index.waiting == 0
    assert recall(index, exact, vectors[:150]) >= 0.98
    scores = dict(exact.search(vectors[3], 10))
    assert all(abs(score - scores.get(item, score)) < 1e-5 for item, score in index.search(vectors[3], 10))


def test_the_newest_are_scanned_until_the_graph_has_them() -> None:
    vectors = clustered(2_600)
    index, _ = both(vectors[:2_500])
    while index.maintain():
        pass
    index.put("new", vectors[2_550])
    assert index.waiting == 1
    assert not index.maintain(), "one vector is not worth a drain"
    assert index.search(vectors[2_550], 1)[0][0] == "new"


def test_a_step_of_upkeep_is_short() -> None:
    index, _ = both(clustered(2_500))
    began = time.monotonic()
    assert index.maintain(0.01)
    assert time.monotonic() - began < 0.5


def test_a_graph_full_of_dead_rows_is_built_anew_while_changes_go_on() -> None:
    vectors = clustered(3_000)
    index, exact = both(vectors)
    while index.maintain():
        pass
    for number in range(0, 3_000, 2):
        index.remove(f"i{number}")
        exact.remove(f"i{number}")
    while index.rebuilds == 0:
        # What happens meanwhile must be in the new graph too.
        index.maintain(0.0)
        number = 1 + 2 * (index.waiting % 7)
        for one in (index, exact):
            one.put("during", vectors[0])
            one.remove(f"i{number}")
            one.put(f"i{number}", -vectors[number])
    while index.maintain():
        pass
    assert len(index) == len(exact)
    assert "during" in {item for item, _ in index.search(vectors[0], 3)}
    assert recall(index, exact, vectors[1:300:2]) >= 0.98
    np.testing.assert_allclose(index.mean, exact.mean, atol=1e-5)


def test_upkeep_drains_by_itself() -> None:
    index, _ = both(clustered(2_500, dim=8))
    upkeep = Upkeep(index, pause_s=0.005)
    try:
        deadline = time.monotonic() + 20
        while index.waiting and time.monotonic() < deadline:
            time.sleep(0.01)
        assert index.waiting == 0
    finally:
        upkeep.close()
