"""Neighbour rows at hand: when they may be served, and when they must be asked for again."""

import numpy as np

from recommender.numbering import Array
from serving.views.row_cache import AT_ONCE, RowCache


def piece(item: int) -> Array:
    return np.array([[item, 1, 0]], np.int32)


def filled(partitions: list[int], now: float = 0.0) -> RowCache:
    cache = RowCache(max_age_s=0.5)
    assert cache.ready(7, now) is None
    for partition in cache.wanted(7, partitions, now):
        assert cache.ready(7, now) is None, "not all of it is there yet"
        cache.put(7, partition, piece(partition))
    return cache


def test_a_row_is_ready_with_all_its_pieces() -> None:
    cache = filled([0, 2])
    row = cache.ready(7, 9.0)
    assert row is not None
    assert row[:, 0].tolist() == [0, 2]


def test_an_item_that_nobody_knows_has_an_empty_row() -> None:
    cache = RowCache()
    assert cache.wanted(7, [], 0.0) == []
    row = cache.ready(7, 0.0)
    assert row is not None
    assert len(row) == 0


def test_a_row_that_changed_is_served_for_a_while() -> None:
    cache = filled([0, 2])
    cache.invalidate(2, [7])
    assert cache.ready(7, 0.4) is not None
    assert cache.ready(7, 0.6) is None
    assert cache.wanted(7, [0, 2], 0.6) == [2]
    cache.failed({2: [7]})
    assert cache.ready(7, 1.2) is None


def test_a_partition_that_meets_the_item_is_asked_at_once() -> None:
    cache = filled([0, 2])
    cache.met(1, [7, 8])
    assert cache.ready(7, 0.1) is None
    assert cache.wanted(7, [0, 1, 2], 0.1) == [1]
    cache.put(7, 1, piece(1))
    row = cache.ready(7, 0.1)
    assert row is not None
    assert sorted(row[:, 0].tolist()) == [0, 1, 2]


def test_the_piece_of_a_partition_that_knows_the_item_no_more_leaves() -> None:
    cache = filled([0, 2])
    cache.met(2, [7])
    assert cache.wanted(7, [0], 0.1) == []
    row = cache.ready(7, 0.1)
    assert row is not None
    assert row[:, 0].tolist() == [0]
    assert cache.entries == 1
    # An answer that was on its way when it left is not taken for a piece.
    cache.put(7, 2, piece(2))
    assert cache.ready(7, 0.1) is None


def test_what_was_dropped_is_let_go_bit_by_bit() -> None:
    cache = RowCache()
    for number in range(2 * AT_ONCE + 1):
        cache.put(number, 0, piece(number))
    cache.clear()
    assert (len(cache), cache.entries) == (0, 0)
    cache.put(7, 0, piece(7))
    for _ in range(12):
        cache.trim()
    assert not cache._dropped
    assert len(cache.get(7)) == 1
