"""The transport overrides methods of pinned versions: when one of them changes, look again."""

import hashlib
import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from faust.transport import consumer
from faust.transport.drivers import aiokafka as driver

from streams.transport import FETCH_WAIT_MS, BatchConsumer, _Thread, wait_ms

READ = {
    driver.AIOKafkaConsumerThread._create_worker_consumer: "c2701bfc3e6f6cad",
    driver.AIOKafkaConsumerThread._seek_wait: "9d221e816d940467",
    driver.AIOKafkaConsumerThread._fetch_records: "39a2c6c79fc1455a",
    driver.Consumer._to_message: "7c24f6511b2fcef7",
    consumer.Consumer._wait_next_records: "6218e1969a636b3f",
    consumer.Consumer.perform_seek: "0e8c130ff4b0afd8",
    consumer.ThreadDelegateConsumer.seek_to_committed: "f1d483b861b0328b",
    Fetcher.fetched_records: "be4348896b9b66af",
    FetchResult.getall: "3e717e30de5068d5",
}
"""Methods that we override or rely on in detail, with the SHA-256 of their source as it was read."""


@pytest.mark.parametrize("method", READ, ids=lambda method: method.__qualname__)
def test_what_we_read_is_what_runs(method: object) -> None:
    source = inspect.getsource(method)  # type: ignore[arg-type]
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == READ[method]


def test_every_override_has_something_to_override() -> None:
    for ours, theirs in ((_Thread, driver.AIOKafkaConsumerThread), (BatchConsumer, driver.Consumer)):
        for name in vars(ours):
            if not name.startswith("__") and name not in {"_batch", "rewind", "_begins", "out_of_range", "_return"}:
                assert hasattr(theirs, name), name


def test_a_fetch_waits_the_longer_the_more_the_last_one_brought() -> None:
    none: list[list[Any]] = []
    few, many = [[record(700)]], [[record(100)] * 40, [record(100)] * 40]
    assert wait_ms(none, 16) == FETCH_WAIT_MS
    assert wait_ms(few, 16) < FETCH_WAIT_MS < wait_ms(many, 16)
    assert wait_ms([[record(-1)]], 16) == wait_ms(few, 16)  # a record without a value came, too


@pytest.mark.parametrize(("per_s", "crowded"), [(100, False), (500, False), (1_500, False), (3_000, True)])
def test_how_long_a_fetch_waits_hangs_on_the_rate_and_not_on_the_wait_before(per_s: int, crowded: bool) -> None:
    for waited in (16, 150):
        came = [[record(110)] * (per_s * waited // 1_000)]
        assert (wait_ms(came, waited) > FETCH_WAIT_MS) is crowded


def record(size: int) -> SimpleNamespace:
    """A fetched record; aiokafka's size of a value that is not there is -1."""
    return SimpleNamespace(serialized_value_size=size)
