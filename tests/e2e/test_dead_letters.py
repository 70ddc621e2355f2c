"""`coldspring dead-letters`: each letter once, sent again where it belongs, and a second retry changes nothing."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaProducer

from coldspring import Client
from recommender.partitioning import partition_of
from recommender.reasons import REASONS
from tests.rig.system import RunningSystem, eventually

NOW = time.time_ns() // 1_000_000
CLICK = {"item_id": "santi", "type": "click", "timestamp": NOW}


@pytest.fixture
def client(real_system: RunningSystem) -> Iterator[Client]:
    with Client(real_system.url) as client:
        yield client


@pytest.fixture
def producer(real_system: RunningSystem) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(bootstrap_servers=real_system.bootstrap, api_version=(2, 3))
    yield producer
    producer.close()


def astray(producer: KafkaProducer, topic: str, identity: str, body: dict[str, Any]) -> dict[str, Any]:
    """Write a record to a partition that is not its own; its place as the letter must tell it."""
    wrong = (partition_of(identity, 4) + 1) % 4
    value = json.dumps(body).encode()
    sent = producer.send(f"shop.{topic}", key=identity.encode(), value=value, partition=wrong).get(30)
    return {"topic": f"shop.{topic}", "partition": wrong, "offset": sent.offset, "index": 0, "value": value.decode()}


def listed(system: RunningSystem, places: list[dict[str, Any]], *options: str) -> list[dict[str, Any]]:
    """The letters of these places, once all are there."""
    found = system.command("dead-letters", "list", "--json", *options).json()
    of_them = [one for one in found if any(place.items() <= one.items() for place in places)]
    assert len(of_them) >= len(places)
    return of_them


def test_what_is_in_the_wrong_partition_is_sent_where_it_belongs(
    real_system: RunningSystem, client: Client, producer: KafkaProducer
) -> None:
    fresh = uuid.uuid4().hex[:6]
    user, item = f"stray-{fresh}", f"film-{fresh}"
    places = [
        astray(producer, "interactions", user, {**CLICK, "user_id": user}),
        astray(producer, "interactions", user, {**CLICK, "user_id": user, "item_id": "dune", "event_id": f"e-{fresh}"}),
        astray(producer, "items", item, {"item_id": item, "title": "Astray", "timestamp": NOW}),
        astray(producer, "profiles", user, {"user_id": user, "text": "喜剧", "timestamp": NOW}),
    ]
    letters = eventually(lambda: listed(real_system, places, "--reason", "wrong_partition"), seconds=60, every_s=0.5)
    assert len(letters) == len(places)
    assert all("belongs to partition" in one["detail"] for one in letters)
    report = real_system.command("dead-letters", "retry", "--reason", "wrong_partition", "--json").json()
    assert report["sent"] >= len(places)

    def history() -> list[str]:
        return [one["item_id"] for one in client.user(user)["history"]]

    assert eventually(lambda: len(history()) == 2 and history(), seconds=60) == ["dune", "santi"]
    assert eventually(lambda: client.item(item)["title"], seconds=60) == "Astray"
    before = client.status()["duplicates"]
    again = real_system.command("dead-letters", "retry", "--reason", "wrong_partition", "--json").json()
    assert again["sent"] == report["sent"]
    eventually(lambda: client.status()["duplicates"] >= before + 2, seconds=60)
    assert history() == ["dune", "santi"]
    client.remove_item(item)


def test_the_list_is_cut_and_the_rest_stays(real_system: RunningSystem, producer: KafkaProducer) -> None:
    places = []
    for value in (b"{bad", b"{worse"):
        sent = producer.send("shop.interactions", key=b"u", value=value, partition=0).get(30)
        places.append({"topic": "shop.interactions", "partition": 0, "offset": sent.offset, "index": 0})
    eventually(lambda: listed(real_system, places, "--reason", "not_json"), seconds=60, every_s=0.5)
    [first] = real_system.command("dead-letters", "list", "--reason", "not_json", "--limit", "1", "--json").json()
    assert first["reason"] == "not_json"
    report = real_system.command("dead-letters", "retry", "--reason", "not_json", "--json").json()
    assert report["sent"] == 0
    assert report["left"] >= 2
    assert "{worse" in real_system.command("dead-letters", "list", "--reason", "not_json").out


def test_the_reasons_are_a_closed_list(real_system: RunningSystem) -> None:
    assert real_system.command("dead-letters", "reasons", "--json").json() == REASONS
    table = real_system.command("dead-letters", "reasons").out
    assert all(reason in table for reason in REASONS)
    refused = real_system.command("dead-letters", "list", "--reason", "nonsense")
    assert refused.status == 2
    assert "bad_id" in refused.err
