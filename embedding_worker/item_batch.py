"""What one batch of a partition of `items` comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from embedding_worker.item_changes import Change, Record, changes
from recommender.vectors import StoredVector, Vector, text_hash


@dataclass(slots=True)
class ItemBatch:
    """Changes of a partition, filled in step by step.

    following: the offset after the last record; records: how many there were; bad: those that are no item; to_encode:
    items whose text must be encoded; put: what Redis gets (fresh ones, and known vectors with their new offset); fresh:
    what the topic gets; again: known ones that the topic gets once more; set_aside: what could not be encoded.
    """

    found: dict[str, Change]
    following: int
    bad: int
    to_encode: list[Change] = field(default_factory=list)
    put: dict[str, StoredVector] = field(default_factory=dict)
    fresh: dict[str, StoredVector] = field(default_factory=dict)
    again: dict[str, StoredVector] = field(default_factory=dict)
    records: int = 0
    set_aside: list[Change] = field(default_factory=list)

    @property
    def item_ids(self) -> list[str]:
        """Items that are to have a vector."""
        return [change.item_id for change in self.found.values() if change.text is not None]

    @property
    def removed(self) -> list[Change]:
        """Items that go."""
        return [change for change in self.found.values() if change.text is None]

    def compare(self, held: Mapping[str, StoredVector], sure: bool = True) -> None:
        """Take over the vectors of items whose text was encoded before; the others are `to_encode`.

        What Redis holds was on the topic before, so such an item is not published again, unless we are not `sure`
        that it is the topic's last word: a worker that was killed may have published what it never wrote.
        """
        self.to_encode.clear()
        self.again.clear()
        for change in self.found.values():
            if change.text is None:
                continue
            known = held.get(change.item_id)
            if known is not None and known.text_hash == text_hash(change.text):
                offset = max(known.offset, change.offset)
                self.put[change.item_id] = StoredVector(known.vector, offset, known.encoded_ms, known.text_hash)
                if not sure:
                    self.again[change.item_id] = self.put[change.item_id]
            else:
                self.to_encode.append(change)

    def encoded(self, change: Change, vector: Vector | None, now_ms: int) -> None:
        """The vector of one of `to_encode`, or None if it can't be encoded."""
        if vector is None:
            self.set_aside.append(change)
            return
        stored = StoredVector(vector, change.offset, now_ms, text_hash(change.text or ""))
        self.put[change.item_id] = self.fresh[change.item_id] = stored


def read_batch(records: Sequence[Record], partition: int, partitions: int, max_chars: int) -> ItemBatch:
    """The batch of a partition's records, of which there is at least one."""
    found, bad = changes(records, partition, partitions, max_chars)
    return ItemBatch(found, records[-1].offset + 1, bad, records=len(records))
