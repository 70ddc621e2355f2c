"""The catalogue: masks, labels, the newest."""

import numpy as np
import pytest

from recommender.catalogue import DAY_MS, Catalogue
from recommender.events import Item
from recommender.numbering import Numbering
from recommender.query import Filters


def item(item_id: str, timestamp: int = 1000, **more: object) -> Item:
    return Item(item_id=item_id, timestamp=timestamp, title=item_id.upper(), **more)  # type: ignore[arg-type]


@pytest.fixture
def catalogue() -> Catalogue:
    catalogue = Catalogue(Numbering())
    catalogue.put(item("a", 1000, categories=["x", "y"], domain="films", language="en"))
    catalogue.put(item("b", 5000, categories=["y"], domain="books", expires_at=9000))
    catalogue.put(item("c", 9000, available=False))
    return catalogue


@pytest.mark.parametrize(
    ("filters", "passed"),
    [
        (Filters(), [True, True, True]),
        (Filters(category="y"), [True, True, False]),
        (Filters(category="y", domain="books"), [False, True, False]),
        (Filters(language="en"), [True, False, False]),
        (Filters(category="nothing"), [False, False, False]),
        (Filters(max_age_s=5), [False, True, True]),
    ],
)
def test_filters(catalogue: Catalogue, filters: Filters, passed: list[bool]) -> None:
    assert catalogue.mask(filters, now_ms=10_000).tolist() == passed


def test_a_changed_item_leaves_its_old_labels(catalogue: Catalogue) -> None:
    catalogue.put(item("a", 2000, categories=["z"]))
    assert catalogue.mask(Filters(category="y"), 0).tolist() == [False, True, False]
    assert catalogue.mask(Filters(category="z"), 0).tolist() == [True, False, False]


def test_available_and_expired(catalogue: Catalogue) -> None:
    assert catalogue.available().tolist() == [True, True, False]
    assert catalogue.expired(8999).tolist() == [False, False, False]
    assert catalogue.expired(9000).tolist() == [False, True, False]


def test_a_removed_item_is_not_available_and_may_come_back(catalogue: Catalogue) -> None:
    catalogue.remove("a")
    assert catalogue.get("a") is None
    assert catalogue.available().tolist() == [False, True, False]
    catalogue.put(item("a"))
    assert catalogue.available().tolist() == [True, True, False]


def test_only_announced_items_once_there_are_any() -> None:
    numbering = Numbering()
    catalogue = Catalogue(numbering)
    numbering.number("clicked")
    assert catalogue.available().tolist() == [True]
    catalogue.put(item("announced"))
    assert catalogue.available().tolist() == [False, True]


def test_newest_passes_over_items_of_the_year_9999(catalogue: Catalogue) -> None:
    catalogue.put(item("d", 253_402_300_799_999))
    everything = np.ones(4, np.bool_)
    assert catalogue.newest(everything, 2, now_ms=10_000).tolist() == [2, 1]
    assert catalogue.newest(everything, 1, now_ms=253_402_300_799_999 - DAY_MS).tolist() == [3]


def test_asking_for_labels_that_nothing_has_costs_no_memory(catalogue: Catalogue) -> None:
    for n in range(100):
        catalogue.mask(Filters(category=f"none{n}"), 0)
    assert len(catalogue._places) == 0
