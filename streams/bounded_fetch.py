"""What a fetch may unpack to: a Kafka batch of a kilobyte can hold gigabytes.

A broker looks at the size of a compressed batch only, and aiokafka unpacks whatever it says. Here a batch that unpacks
to more than `BATCH_BYTES` becomes one record, an `Unreadable`, that its reader sets aside; and a fetch ends early once
it has unpacked `FETCH_BYTES`: the rest is fetched again.

The replaced names belong to a pinned version; `tests/unit/streams/test_bounded_fetch.py` fails when one changes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import cramjam
import numpy as np
from aiokafka.consumer import fetcher
from aiokafka.record._crecords import default_records
from aiokafka.structs import ConsumerRecord

from streams.intake import Unreadable

BATCH_BYTES: Final = 32_000_000
FETCH_BYTES: Final = 64_000_000

_GZIP_WINDOW: Final = 31


class TooMuchError(Exception):
    """A batch unpacks to more than `BATCH_BYTES`, or not at all."""


def install() -> None:
    """Have every aiokafka consumer of this process keep to the bounds; safe to call twice."""
    default_records.gzip_decode = _gunzip
    default_records.zstd_decode = _into(cramjam.zstd.decompress_into)
    default_records.lz4_decode = _into(cramjam.lz4.decompress_into)
    # snappy packs at most 21 to 1: the broker's limit of a batch is limit enough
    fetcher.PartitionRecords = BoundedRecords


class BoundedRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of one partition in a fetch, unpacked batch by batch as they are asked for."""

    _records: Any
    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Any]:
        self._records = batches = _Batches(self._records)
        room = FETCH_BYTES
        while True:
            try:
                for record in super()._unpack_records():
                    yield record
                    room -= len(record.value or b"")
                    if room < 0:
                        return
            except TooMuchError as error:
                yield self._stand_in(batches.last, str(error))
            else:
                return

    def _stand_in(self, batch: Any, why: str) -> Any:
        offset = max(batch.base_offset, self.next_fetch_offset)
        self.next_fetch_offset = batch.next_offset
        value = Unreadable(why.encode())
        time_ms, kind = batch.first_timestamp, batch.timestamp_type
        return ConsumerRecord(
            self._tp.topic, self._tp.partition, offset, time_ms, kind, None, value, None, -1, len(value), ()
        )


class _Batches:
    """A fetch's batches, and which was the last one given out."""

    def __init__(self, records: Any) -> None:
        self._records = records
        self.last: Any = None

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def next_batch(self) -> Any:
        self.last = self._records.next_batch()
        return self.last


def _gunzip(data: Any) -> bytes:
    unpack = zlib.decompressobj(_GZIP_WINDOW)
    try:
        unpacked = unpack.decompress(data, BATCH_BYTES)
        if not unpack.eof:  # at its end, or one more byte would come
            unpacked += unpack.decompress(unpack.unconsumed_tail, 1)
    except zlib.error as error:
        raise TooMuchError(f"a batch that can't be unpacked: {error}") from None
    if len(unpacked) > BATCH_BYTES or not unpack.eof:
        raise _too_much(data)
    return unpacked


def _into(decompress_into: Callable[[Any, Any], int]) -> Callable[[Any], bytes]:
    def decode(data: Any) -> bytes:
        room = np.empty(BATCH_BYTES, np.uint8)  # pages that are not written to cost nothing
        try:
            size = decompress_into(data, room)
        except cramjam.DecompressionError as error:
            if "whole buffer" in str(error):
                raise _too_much(data) from None
            raise TooMuchError(f"a batch that can't be unpacked: {error}"[:200]) from None
        return room[:size].tobytes()

    return decode


def _too_much(data: Any) -> TooMuchError:
    return TooMuchError(f"a batch of {len(data)} bytes that unpacks to more than {BATCH_BYTES}")
