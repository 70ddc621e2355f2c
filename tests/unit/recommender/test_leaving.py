"""Items that are gone give their numbers back; who is still meant by anybody keeps theirs."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.item_stats import stats_dtype
from online_models.kernels import HALF_LIVES_MS, SCALE
from recommender import leaving
from recommender.catalogue import NEVER, Catalogue
from recommender.counts import ItemCounts
from recommender.event_types import EventTypes
from recommender.events import Item
from recommender.fatigue import ShownLists
from recommender.leaving import LEAST, Leaving
from recommender.numbering import Numbering
from recommender.read_model import UserState
from serving.views.translate import exported


class Reader:
    """What a reader has of items, with two partitions."""

    def __init__(self) -> None:
        self.numbering = Numbering()
        self.catalogue = Catalogue(self.numbering)
        self.counts = ItemCounts(2, stats_dtype(3), SCALE, HALF_LIVES_MS)
        self.leaving = Leaving(self.catalogue, self.counts.partitions)

    def announce(self, item_id: str, at: int = 1, expires_at: int | None = None) -> None:
        self.catalogue.put(Item(item_id=item_id, title=item_id, timestamp=at, expires_at=expires_at))

    def meet(self, partition: int, *item_ids: str) -> None:
        """A partition gives places to items, and counts one event of each."""
        begin = self.counts.partitions[partition].size
        self.counts.extend(partition, item_ids, self.numbering)
        rows = np.zeros(len(item_ids), self.counts.dtype)
        rows["count"], rows["by_type"][:, 1], rows["last"], rows["birth"] = SCALE, 1, 7, 5
        rows["popularity"], rows["popularity_at"] = 2.0, 5
        self.counts.put(partition, np.arange(begin, begin + len(item_ids)), rows, 10, 10)
        self.counts.settle()

    def drop(self, partition: int, *places: int) -> None:
        self.counts.drop(partition, np.array(places))
        self.counts.settle()

    def collect_twice(self) -> None:
        """Once to find who is gone, once more to have their numbers given again."""
        self.leaving.collect()
        self.leaving.collect()


def test_whom_the_catalogue_or_a_partition_means_stays() -> None:
    reader = Reader()
    reader.announce("announced")
    reader.meet(0, "counted", "both")
    reader.meet(1, "both", "left")
    reader.drop(0, 1)
    reader.drop(1, 1)
    before = reader.numbering.found(["announced", "counted", "both"])
    reader.collect_twice()
    assert reader.numbering.found(["announced", "counted", "both"]) == before
    assert reader.numbering.find("left") is None
    reader.drop(1, 0)
    reader.catalogue.remove("announced")
    reader.collect_twice()
    assert [reader.numbering.find(name) for name in ("announced", "counted", "both")] == [None, before[1], None]


def test_who_came_back_under_another_place_stays() -> None:
    reader = Reader()
    reader.meet(0, "a")
    number = reader.numbering.find("a")
    reader.meet(0, "a")
    reader.drop(0, 0)
    reader.collect_twice()
    assert reader.numbering.find("a") == number
    assert reader.counts.events[number] == 1.0


def test_a_partition_that_is_loaded_anew_means_only_what_it_has_now() -> None:
    reader = Reader()
    reader.meet(0, "a", "b")
    reader.counts.reset(0)
    reader.meet(0, "b", "c")
    reader.counts.rebuild()
    reader.collect_twice()
    assert [reader.numbering.find(name) is not None for name in "abc"] == [False, True, True]


def test_who_has_a_number_again_has_nothing_of_the_item_before() -> None:
    reader = Reader()
    reader.announce("stays", at=3)
    reader.announce("old", at=900, expires_at=1_000)
    reader.meet(0, "old")
    assert reader.counts.popular(0, np.ones(2, np.bool_), reader.numbering.tie, 5).tolist() == [1]
    reader.catalogue.remove("old")
    reader.drop(0, 0)
    reader.collect_twice()
    reader.meet(1, "new")
    number = reader.numbering.find("new")
    assert number == 1
    counts, catalogue = reader.counts, reader.catalogue
    assert (counts.events[number], counts.birth[number], counts.by_type(number).tolist()) == (1.0, 5, [0, 1, 0])
    assert catalogue.available().tolist() == [True, False]
    assert (catalogue.expirations()[number], catalogue.announcements()[number]) == (NEVER, 0)
    reader.announce("new", at=4)
    assert catalogue.newest(np.ones(2, np.bool_), 2, 5).tolist() == [1, 0]
    lone = Numbering()
    lone.number("new")
    assert reader.numbering.tie[number] == lone.tie[0]


def test_without_a_catalogue_nobody_who_is_gone_is_available() -> None:
    reader = Reader()
    reader.meet(0, "a", "b", "c")
    reader.drop(0, 1)
    reader.leaving.collect()
    assert reader.catalogue.available().tolist() == [True, False, True]
    reader.leaving.collect()
    assert reader.catalogue.available().tolist() == [True, False, True]
    reader.meet(0, "d")
    assert reader.catalogue.available().tolist() == [True, True, True]


@pytest.mark.parametrize("announced", [True, False])
def test_with_twenty_times_the_cap_coming_and_going_numbers_stay_bounded(announced: bool) -> None:
    reader, cap = Reader(), 6_000
    most = 0
    for begin in range(0, 20 * cap, cap // 16):
        for n in range(begin, begin + cap // 16):
            if announced:
                reader.announce(f"i{n}")
                reader.catalogue.remove(f"i{n - cap}")
        if not announced:
            reader.meet(0, *(f"i{n}" for n in range(begin, begin + cap // 16)))
            if begin >= cap:
                reader.drop(0, *range(begin - cap, begin - cap + cap // 16))
        reader.leaving.look()
        most = max(most, len(reader.numbering))
    assert reader.numbering.known >= cap
    assert most <= cap + 2 * max(LEAST, cap // 3) + cap // 8
    assert len(reader.counts.count) <= 2 * most
    assert len(reader.counts.partitions[0].local) <= 2 * most


def test_many_who_are_gone_at_once_are_taken_in_several_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "AT_ONCE", 100)
    reader = Reader()
    for n in range(2_000):
        reader.announce(f"i{n}")
    for n in range(1_990):
        reader.catalogue.remove(f"i{n}")
    looks = 0
    while reader.leaving.look():
        looks += 1
        assert looks < 100
    assert reader.numbering.known == 10
    assert looks == 20


def test_what_was_shown_is_not_told_by_the_name_that_a_free_number_still_has() -> None:
    reader = Reader()
    reader.announce("stays")
    reader.announce("left")
    state = UserState("u", shown=ShownLists().add(1, ["left", "stays"]))
    reader.catalogue.remove("left")
    reader.collect_twice()
    told = exported(state, reader.numbering, EventTypes())["shown"]
    assert [one["items"] for one in told] == [["stays"]]
