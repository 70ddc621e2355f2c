"""Vectors by number are those of the ids, whatever happened to the index and whenever a reader met an item."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding_worker.index import ItemIndex
from recommender.numbering import Numbering
from serving.item_vectors import ItemVectors

DIM, ITEMS = 8, 12
STEPS = ("put", "put", "put", "remove", "meet", "meet", "leave", "maintain", "replace")
steps = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, ITEMS - 1)), max_size=60)


def vector(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=DIM).astype(np.float32)


class World:
    """An index and a reader that meet items at different times."""

    def __init__(self) -> None:
        self.index = ItemIndex(DIM, exact_below=4, buffer=2)
        self.numbering = Numbering()
        self.vectors = ItemVectors(self.numbering, lambda: self.index)

    def do(self, name: str, item: int, seed: int) -> None:
        if name == "put":
            self.index.put(f"i{item}", vector(seed))
        elif name == "remove":
            self.index.remove(f"i{item}")
        elif name == "meet":
            self.numbering.number(f"i{item}")
        elif name == "leave":
            self.numbering.retire(np.array(self.numbering.found([f"i{item}"]), np.int64))
        elif name == "replace":  # another space
            ids, held = self.index.export()
            self.index = ItemIndex(DIM, exact_below=4, buffer=2)
            self.index.put_many(zip(ids, held[::-1], strict=True))
        else:
            self.index.maintain(1.0)

    def check(self) -> None:
        numbers = np.flatnonzero(self.numbering.used)
        located = self.vectors.of(self.index, numbers)
        found, known = located.read(), located.known
        expected, held = self.index.vectors([self.numbering.ids[number] for number in numbers.tolist()])
        assert known.tolist() == held.tolist()
        np.testing.assert_array_equal(found, expected)
        ids = [item for item, _ in self.index.search(vector(0), ITEMS) if self.numbering.find(item) is not None]
        near = self.vectors.nearest(self.index, vector(0), ITEMS)
        assert [self.numbering.ids[number] for number in near.tolist()] == ids


@settings(deadline=None)
@given(steps)
def test_by_number_as_by_id(todo: list[tuple[str, int]]) -> None:
    world = World()
    for seed, (name, item) in enumerate(todo):
        world.do(name, item, seed)
        world.check()


def test_the_nearest_come_first_and_at_least_as_many_as_asked_for() -> None:
    world = World()
    for item in range(ITEMS):
        world.do("put", item, item)
        world.do("meet", item, item)
    world.do("maintain", 0, 0)
    near = world.vectors.nearest(world.index, vector(3), 3)
    assert world.numbering.ids[near[0]] == "i3"
    assert len(near) >= 3


def test_an_index_without_items_is_none() -> None:
    world = World()
    before = world.vectors.index
    world.do("put", 1, 1)
    assert (before, world.vectors.index) == (None, world.index)
    located = world.vectors.of(world.index, np.zeros(0, np.int64))
    found, known = located.read(), located.known
    assert found.shape == (0, DIM)
    assert not known.any()


@pytest.mark.parametrize("count", [1, 3, 20])
def test_the_index_gives_at_least_the_rows_that_search_gives(count: int) -> None:
    world = World()
    for item in range(ITEMS):
        world.do("put", item, item)
    table, (rows, cosines) = world.index.nearest(vector(5), count)
    found = sorted(zip((table.ids[row] for row in rows), cosines.tolist(), strict=True), key=lambda hit: -hit[1])
    assert found[:count] == world.index.search(vector(5), count)
