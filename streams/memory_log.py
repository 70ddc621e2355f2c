"""A log in memory: what a direct replay was fed, for when it has to be folded again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from streams.batch import Batch
from streams.log_source import LogGapError


class MemoryLog:
    """Batches by topic and partition, as they were folded. A `LogSource`."""

    def __init__(self) -> None:
        self._batches: dict[tuple[str, int], list[Batch]] = defaultdict(list)

    def add(self, batch: Batch) -> None:
        """Keep a batch; it begins where the one before it ended."""
        self._batches[batch.topic, batch.partition].append(batch)

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """First offset held, next offset."""
        batches = self._batches[topic, partition]
        return (batches[0].begin, batches[-1].next) if batches else (0, 0)

    def read(self, topic: str, partition: int, begin: int, end: int) -> Iterator[Batch]:
        """The records from `begin` to before `end`; raises `LogGapError` for what was never added."""
        first, last = self.bounds(topic, partition)
        if begin < first or end > last:
            raise LogGapError(topic, partition, begin, first if begin < first else end)
        for batch in self._batches[topic, partition]:
            if batch.next <= begin or batch.begin >= end:
                continue
            records = [record for record in batch.records if begin <= record.offset < end]
            yield Batch(topic, partition, max(begin, batch.begin), min(end, batch.next), records)

    def close(self) -> None:
        """Nothing to close."""
