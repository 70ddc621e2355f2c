"""From records to changes to what is encoded."""

from dataclasses import dataclass

from embedding_worker.item_batch import read_batch
from embedding_worker.item_changes import changes
from recommender.events import Item, encode
from recommender.partitioning import partition_of
from recommender.vectors import StoredVector, check_vector, text_hash


@dataclass
class Sent:
    offset: int
    key: bytes | None
    value: bytes | None


def announced(offset: int, item_id: str, title: str) -> Sent:
    return Sent(offset, item_id.encode(), encode(Item(item_id=item_id, timestamp=1, title=title)))


def test_the_last_change_of_an_item_counts() -> None:
    records = [announced(1, "a", "old"), announced(2, "b", "B"), announced(3, "a", "new"), Sent(4, b"b", None)]
    found, bad = changes(records, 0, 1, 100)
    assert [(c.item_id, c.text, c.offset) for c in found.values()] == [("a", "new", 3), ("b", None, 4)]
    assert bad == 0


def test_what_is_no_item_is_counted_and_its_neighbours_are_unaffected() -> None:
    elsewhere = next(name for name in map(str, range(99)) if partition_of(name, 4) != partition_of("a", 4))
    records = [
        announced(1, "a", "A"),
        Sent(2, b"a", b"not json"),
        Sent(3, b"other", announced(3, "a", "liar").value),
        announced(4, elsewhere, "lost"),
        Sent(5, None, None),
        Sent(6, b"\xff", b""),
        Sent(7, b"a", b'{"item_id":"a","timestamp":1}'),
    ]
    found, bad = changes(records, partition_of("a", 4), 4, 100)
    assert [(c.item_id, c.text) for c in found.values()] == [("a", "A")]
    assert bad == 6


def test_empty_values_remove_null_too() -> None:
    found, bad = changes([Sent(1, b"a", b""), Sent(2, b"b", b"null"), Sent(3, b"c", None)], 0, 1, 100)
    assert [c.text for c in found.values()] == [None] * 3
    assert bad == 0


def test_an_unchanged_text_is_not_encoded_again() -> None:
    batch = read_batch([announced(7, "a", "same"), announced(8, "b", "new")], 0, 1, 100)
    held = StoredVector(check_vector([1, 2]), 3, 99, text_hash("same"))
    batch.compare({"a": held})
    assert [change.item_id for change in batch.to_encode] == ["b"]
    assert (batch.put["a"].offset, batch.put["a"].encoded_ms) == (7, 99)
    batch.encoded(batch.to_encode[0], check_vector([3, 4]), 123)
    assert set(batch.put) == {"a", "b"}
    assert set(batch.fresh) == {"b"}
    assert batch.following == 9
    batch.compare({"a": held})
    assert len(batch.to_encode) == 1, "comparing again is the same"


def test_what_can_not_be_encoded_is_set_aside() -> None:
    batch = read_batch([announced(1, "a", "x")], 0, 1, 100)
    batch.compare({})
    batch.encoded(batch.to_encode[0], None, 1)
    assert not batch.put
    assert [change.item_id for change in batch.set_aside] == ["a"]
