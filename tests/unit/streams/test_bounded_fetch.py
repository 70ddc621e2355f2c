"""A batch unpacks to so much and no more, whatever its codec, and is one record when it would be more."""

import gzip
import inspect
from collections.abc import Callable
from typing import Any

import cramjam
import pytest
from aiokafka.consumer import fetcher
from aiokafka.record._crecords import default_records
from aiokafka.structs import TopicPartition

from streams import bounded_fetch
from streams.bounded_fetch import BATCH_BYTES, BoundedRecords, TooMuchError
from streams.intake import Unreadable

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1),
    "zstd": lambda data: bytes(cramjam.zstd.compress(data)),
    "lz4": lambda data: bytes(cramjam.lz4.compress(data)),
}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (fetcher, "PartitionRecords"),
        (default_records, "gzip_decode"),
        (default_records, "zstd_decode"),
        (default_records, "lz4_decode"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))  # put back afterwards; there is nothing if it is gone
    bounded_fetch.install()


@pytest.mark.parametrize("codec", PACK)
def test_a_batch_at_the_limit_is_unpacked_and_one_above_is_not(codec: str) -> None:
    decode = getattr(default_records, f"{codec}_decode")
    assert decode(PACK[codec](b"hello" * 100)) == b"hello" * 100
    assert len(decode(PACK[codec](bytes(BATCH_BYTES)))) == BATCH_BYTES
    with pytest.raises(TooMuchError, match="more than"):
        decode(PACK[codec](bytes(BATCH_BYTES + 1)))


@pytest.mark.parametrize("codec", PACK)
def test_what_cannot_be_unpacked_says_so(codec: str) -> None:
    with pytest.raises(TooMuchError):
        getattr(default_records, f"{codec}_decode")(b"\x1f\x8b nonsense")


def records(batches: list[Any]) -> BoundedRecords:
    class Slices:
        def has_next(self) -> bool:
            return bool(batches)

        def next_batch(self) -> Any:
            return default_records.DefaultRecordBatch(batches.pop(0))

    assert fetcher.PartitionRecords is BoundedRecords
    return BoundedRecords(TopicPartition("interactions", 3), Slices(), [], 0, None, None, True, 1)


def batch(values: list[bytes], first: int, codec: int = 0) -> Any:
    builder = default_records.DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 10**9)
    for offset, value in enumerate(values):
        builder.append(offset, 0, b"k", value, [])
    made = bytearray(builder.build())
    made[0:8] = first.to_bytes(8, "big")
    return bytes(made)


def test_a_bomb_is_one_record_in_its_place_and_the_others_stay() -> None:
    bomb = batch([bytes(BATCH_BYTES), bytes(10)], first=2, codec=1)
    found = records([batch([b"a", b"b"], 0), bomb, batch([b"c"], 4)])
    read = list(found)
    assert [(record.offset, record.value) for record in read if record.offset != 2] == [(0, b"a"), (1, b"b"), (4, b"c")]
    [stand_in] = [record for record in read if record.offset == 2]
    assert isinstance(stand_in.value, Unreadable)
    assert found.next_fetch_offset == 5


def test_a_fetch_ends_early_and_the_rest_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_fetch, "FETCH_BYTES", 250)
    found = records([batch([bytes(100)] * 4, 0), batch([bytes(100)], 4)])
    assert [record.offset for record in found] == [0, 1, 2]
    assert found.next_fetch_offset == 3


def test_what_is_replaced_is_as_it_was() -> None:
    inside = inspect.getsource(fetcher.Fetcher)
    assert "PartitionRecords(" in inside
    assert list(inspect.signature(BoundedRecords.__init__).parameters)[1:] == [
        "tp", "records", "aborted_transactions", "fetch_offset", "key_deserializer", "value_deserializer", "check_crcs",
        "isolation_level",
    ]  # fmt: skip
