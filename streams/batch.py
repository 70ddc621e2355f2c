"""A partition's fetched records as one message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from streams.intake import Record


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition: `begin` is where the fetch began, `next` where it ended.

    Offsets may have gaps (aborted transactions, compaction), so neither can be told from the
    records alone.
    """

    topic: str
    partition: int
    begin: int
    next: int
    records: Sequence[Record]

    @classmethod
    def from_data(cls, data: Self, *, preferred_type: Any = None) -> Self:  # noqa: ARG003 - Faust's protocol
        """Faust's way to make a value of a topic's type: the transport made it already."""
        return data

    def after(self, position: int, most: int) -> Iterator[Batch]:
        """What lies at or after `position`, in batches of at most `most` records."""
        records = [record for record in self.records if record.offset >= position]
        begin = position
        for start in range(0, len(records), most):
            part = records[start : start + most]
            last = start + most >= len(records)
            end = self.next if last else part[-1].offset + 1
            yield Batch(self.topic, self.partition, begin, end, part)
            begin = end
        if not records and self.next > position:
            yield Batch(self.topic, self.partition, position, self.next, ())
