"""The index as a view of its topic: what comes is found, what goes is gone, snapshots carry on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import Producer

from recommender.tasks import end
from recommender.vectors import ItemVector, check_vector
from serving.views.index_view import IndexView

DIM = 4


@dataclass
class Record:
    """A record as aiokafka gives it."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[Any] = field(default_factory=list)
    topic: str = "item-vectors"


def record(
    offset: int, item_id: str, seed: int | None = 1, space: str = "s1", source: int = -1, dim: int = DIM
) -> Record:
    if seed is None:
        return Record(offset, item_id.encode(), None)
    vector = check_vector(np.random.default_rng(seed).normal(size=dim))
    value, headers = ItemVector(vector, "model", space, source).encode("f16")
    return Record(offset, item_id.encode(), value, headers)


def make(folder: Path | None = None, **more: Any) -> IndexView:
    return IndexView("nowhere:1", "item-vectors", 2, folder, **more)


def held(view: IndexView) -> list[str]:
    return sorted(view.index.export()[0]) if view.index is not None else []


def test_records_are_found_and_told() -> None:
    told: list[str] = []
    view = make(indexed=told.extend)
    view._take(0, [record(0, "a", 1), record(3, "b", 2)])
    view._take(1, [record(0, "c", 3)])
    assert held(view) == told == ["a", "b", "c"]
    assert view.positions == {0: 4, 1: 1}
    assert view.space == "s1"
    view._take(0, [record(4, "a", None), record(5, "never there", None)])
    assert held(view) == ["b", "c"]


def test_bad_vectors_are_refused_and_the_rest_goes_on() -> None:
    view = make()
    nan = record(1, "n", 2)
    nan.value = np.full(DIM, np.nan, "<f2").tobytes()
    wide, torn = record(2, "wide", 3, dim=DIM + 1), Record(3, b"x", b"123")
    view._take(0, [record(0, "a", 1), nan, wide, torn, record(4, "b", 4)])
    assert held(view) == ["a", "b"]
    assert view.refused == 3
    assert view.positions[0] == 5


def test_of_two_vectors_of_one_item_the_later_source_counts() -> None:
    view = make()
    view._take(0, [record(0, "a", 1, source=9), record(1, "a", 2, source=5)])
    assert view.index is not None
    found = view.index.vector("a")
    expected = check_vector(np.random.default_rng(1).normal(size=DIM))
    assert found == pytest.approx(expected, abs=2e-3)


def test_another_space_takes_over_once_it_is_complete() -> None:
    view = make()
    view._take(0, [record(n, f"i{n}", n) for n in range(5)])
    view._take(0, [record(5 + n, f"i{n}", n, space="s2", dim=DIM + 2) for n in range(4)])
    assert (view.space, len(held(view))) == ("s1", 5)
    view._take(0, [record(9, "i4", 4, space="s2", dim=DIM + 2)])
    assert (view.space, len(held(view))) == ("s2", 5)
    assert view.index is not None
    assert view.index.dim == DIM + 2


def test_a_log_that_begins_again_empties_the_index() -> None:
    view = make()
    view._take(0, [record(n, f"i{n}", n) for n in range(5)])
    view._take(0, [record(0, "new", 1)])
    assert held(view) == ["new"]
    assert view.positions == {0: 1, 1: 0}


def test_a_snapshot_carries_on(tmp_path: Path) -> None:
    view = make(tmp_path)
    view._take(0, [record(n, f"i{n}", n) for n in range(5)])
    view._save()
    again = make(tmp_path)
    again._restore()
    assert held(again) == held(view)
    assert again.positions == view.positions
    assert again.space == "s1"


@pytest.mark.parametrize("harm", ["index.json", "index-*.safetensors"])
def test_a_harmed_snapshot_is_not_used(tmp_path: Path, harm: str) -> None:
    view = make(tmp_path)
    view._take(0, [record(0, "a", 1)])
    view._save()
    (path,) = tmp_path.glob(harm)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    again = make(tmp_path)
    again._restore()
    assert held(again) == []
    assert again.positions == {0: 0, 1: 0}


async def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - the view knows nothing of events
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["embedded", "real"])
async def test_it_follows_a_broker(request: pytest.FixtureRequest, kind: str, tmp_path: Path, prefix: str) -> None:
    broker: Any = request.getfixturevalue("embedded_broker" if kind == "embedded" else "kafka")
    topic = prefix + "item-vectors"
    if kind == "embedded":
        broker.create_topics({topic: 2})
    else:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"cleanup.policy": "compact"})])
        await admin.close()
    producer = Producer({"bootstrap.servers": broker.bootstrap})

    def send(found: Record, partition: int) -> None:
        producer.produce(topic, key=found.key, value=found.value, headers=found.headers, partition=partition)
        producer.flush(10)

    send(record(0, "a", 1), 0)
    view = IndexView(broker.bootstrap, topic, 2, tmp_path, snapshot_every_s=0.1)
    running = asyncio.create_task(view.run())
    try:
        await until(lambda: view.complete and held(view) == ["a"])
        send(record(0, "b", 2), 1)
        await until(lambda: held(view) == ["a", "b"])
        send(record(0, "a", None), 0)
        await until(lambda: held(view) == ["b"])
        await until(lambda: any(tmp_path.glob("index-*.safetensors")))
    finally:
        await end(running)


def test_what_is_remembered_of_vectors_that_left_is_bounded() -> None:
    view = make(max_items=4)
    for n in range(100):
        view._take(0, [record(n, f"i{n}", n, source=n)])
    assert held(view) == ["i96", "i97", "i98", "i99"]
    assert len(view._spaces._offsets) <= 12
    view._take(0, [record(100, "i99", 7, source=98)])  # older than the one that is there
    assert view.index is not None
    assert view.index.vector("i99") == pytest.approx(check_vector(np.random.default_rng(99).normal(size=DIM)), abs=1e-3)
