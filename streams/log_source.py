"""The log as something to read again: from Kafka, or from an archive where Kafka no longer reaches back.

Whoever folds anew (a rebuild, a look at an earlier time, an archive) asks a `LogSource` and never a group consumer:
reading leaves nothing behind at the broker.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Final, Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from streams.batch import Batch

API: Final = (2, 3)
"""The oldest protocol that Kafka 4 speaks and the newest that the embedded broker does."""

FETCH_BYTES: Final = 4 * 1024 * 1024
BATCH_RECORDS: Final = 5_000
POLL_MS: Final = 500


class LogAwayError(Exception):
    """Kafka does not answer: wait and try again."""


class LogGapError(Exception):
    """What was asked for is not held: records from `begin` to before `held` are gone, or not written yet.

    Attributes
    ----------
    topic, partition: where.
    begin: the first offset that is missing.
    held: the first offset at or after it that is held.
    """

    def __init__(self, topic: str, partition: int, begin: int, held: int) -> None:
        self.topic, self.partition, self.begin, self.held = topic, partition, begin, held
        super().__init__(f"{topic} partition {partition}: offsets {begin} to {held - 1} are not held")


class LogSource(Protocol):
    """Records of topics (full names, with prefix) by offset."""

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset held and the next one to be written, of committed records.

        Raises
        ------
        LogAwayError: when the source does not answer.
        """
        ...

    def read(self, topic: str, partition: int, begin: int, end: int) -> Iterator[Batch]:
        """The records from `begin` to before `end`, in order, in batches that follow each other without a gap.

        Offsets may be missing inside (compaction, aborted transactions); `Batch.begin` and `Batch.next` cover them, and
        the last batch ends at `end`. Nothing at all for an empty range.

        Raises
        ------
        LogAwayError: when the source does not answer, or stops answering.
        LogGapError: when some of it is not held.
        """
        ...

    def close(self) -> None:
        """End what is open; nothing may be read afterwards."""
        ...


class KafkaLog:
    """The log as Kafka holds it.

    Parameters
    ----------
    bootstrap: "host:port", more by commas.
    timeout_s: how long to wait for an answer before `LogAwayError`.
    """

    def __init__(self, bootstrap: str, timeout_s: float = 15.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._bootstrap = bootstrap
        self._timeout_s = timeout_s
        self._clock = clock

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """First offset held, next offset; records of open transactions are not counted."""
        place = TopicPartition(topic, partition)
        wait = int(self._timeout_s * 1000)
        with self._consumer(topic) as consumer:
            first = consumer.beginning_offsets([place], timeout_ms=wait)[place]
            end = consumer.end_offsets([place], timeout_ms=wait)[place]
        return int(first), int(end)

    def read(self, topic: str, partition: int, begin: int, end: int) -> Iterator[Batch]:
        """See `LogSource.read`. Holds a few fetches in memory, whatever the length."""
        if begin >= end:
            return
        first, last = self.bounds(topic, partition)
        if begin < first:
            raise LogGapError(topic, partition, begin, first)
        if end > last:
            raise LogGapError(topic, partition, max(begin, last), end)
        place = TopicPartition(topic, partition)
        with self._consumer(topic) as consumer:
            consumer.assign([place])
            consumer.seek(place, begin)
            try:
                yield from self._batches(consumer, place, begin, end)
            except OffsetOutOfRangeError:  # its retention went past us while we read
                raise LogGapError(topic, partition, begin, self.bounds(topic, partition)[0]) from None

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _batches(self, consumer: Any, place: Any, begin: int, end: int) -> Iterator[Batch]:
        heard = self._clock()
        while begin < end:
            found = consumer.poll(timeout_ms=POLL_MS, max_records=BATCH_RECORDS).get(place, ())
            position = min(consumer.position(place), end)
            if position > begin:
                records = found if not found or found[-1].offset < end else [r for r in found if r.offset < end]
                yield Batch(place.topic, place.partition, begin, position, records)
                begin, heard = position, self._clock()  # the caller's own work is no silence of Kafka's
                continue
            self._knock()
            if self._clock() - heard > self._timeout_s:
                raise LogAwayError(
                    f"Kafka at {self._bootstrap} gave nothing of {place.topic} for {self._timeout_s:g} s"
                )

    def _knock(self) -> None:
        """Fail at once where nobody listens: kafka-python would try in vain, and leave a socket open each time."""
        for address in self._bootstrap.split(","):
            host, _, port = address.strip().rpartition(":")
            with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), self._timeout_s):
                return
        raise LogAwayError(f"Kafka at {self._bootstrap} does not answer")

    @contextmanager
    def _consumer(self, topic: str) -> Iterator[Any]:
        """A consumer of its own for each call: calls may come from several threads, and run side by side."""
        self._knock()
        try:
            with closing(self._connected()) as consumer:
                yield consumer
        except KafkaError as error:
            raise LogAwayError(f"Kafka at {self._bootstrap} does not give {topic}: {type(error).__name__}") from None

    def _connected(self) -> Any:
        return KafkaConsumer(
            bootstrap_servers=self._bootstrap.split(","),
            api_version=API,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="none",
            # Checked by the broker when it took them; here, without a library in C, it costs more than all the rest.
            check_crcs=False,
            metrics_enabled=False,
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_bytes=FETCH_BYTES,
            fetch_max_wait_ms=100,
        )


class JoinedLog:
    """Several sources of one log as one, each taken where those after it no longer (or not yet) reach.

    Parameters
    ----------
    sources: the oldest first: the archive, then Kafka.
    """

    def __init__(self, *sources: LogSource) -> None:
        self._sources: Sequence[LogSource] = sources

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset that any source holds, and the furthest end."""
        held = [source.bounds(topic, partition) for source in self._sources]
        filled = [bounds for bounds in held if bounds[0] < bounds[1]] or held
        return min(first for first, _ in filled), max(end for _, end in held)

    def read(self, topic: str, partition: int, begin: int, end: int) -> Iterator[Batch]:
        """See `LogSource.read`; the newest source that holds an offset gives it."""
        held = [source.bounds(topic, partition) for source in self._sources]
        while begin < end:
            at = [place for place, (first, last) in enumerate(held) if first <= begin < last]
            if not at:
                following = [first for first, last in held if begin < first < last]
                raise LogGapError(topic, partition, begin, min([*following, end]))
            place = at[-1]
            newer = [first for first, last in held[place + 1 :] if begin < first < last]
            until = min([end, held[place][1], *newer])
            yield from self._sources[place].read(topic, partition, begin, until)
            begin = until

    def close(self) -> None:
        """Close every source."""
        for source in self._sources:
            source.close()
