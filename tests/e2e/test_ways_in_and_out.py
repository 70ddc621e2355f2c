"""Every way in and every way out, embedded and on a real Kafka and Redis: what goes in comes out recommended."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer as ConfluentProducer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from coldspring import Client, Producer
from coldspring.errors import NotFoundError
from tests.rig import shelf
from tests.rig.system import RunningSystem, eventually
from tests.rig.topic import read_topic

TWIN = next(str(one["text"]) for one in shelf.items() if one["item_id"] == "santi")
"""The text of what the user clicked: the new item is what is nearest to their history."""


class Site:
    """A running system with its prefix."""

    def __init__(self, system: RunningSystem, prefix: str) -> None:
        self.system, self.prefix = system, prefix
        self.bootstrap = system.bootstrap

    def topic(self, name: str) -> str:
        return self.prefix + name


@pytest.fixture(params=["embedded", "real"], scope="module")
def site(request: pytest.FixtureRequest) -> Site:
    if request.param == "embedded":
        return Site(request.getfixturevalue("system"), "")
    return Site(request.getfixturevalue("real_system"), "shop.")


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with Client(site.system.url) as client:
        yield client


def event(user: str, item: str, type_: str = "click", **more: Any) -> bytes:
    body = {"user_id": user, "item_id": item, "type": type_, "timestamp": time.time_ns() // 1_000_000, **more}
    return json.dumps(body, ensure_ascii=False).encode()


def item(item_id: str, title: str, **more: Any) -> bytes:
    body = {"item_id": item_id, "title": title, "timestamp": time.time_ns() // 1_000_000, **more}
    return json.dumps(body, ensure_ascii=False).encode()


def by_http(site: Site, user: str, new: str) -> None:
    with site.system.http() as http:
        answer = http.post("/v1/items", json={"item_id": new, "title": f"三体 {new}", "text": TWIN})
        assert (answer.status_code, answer.json()["ids"]) == (202, [new])
        answer = http.post("/v1/events", json=[{"user_id": user, "item_id": "santi", "type": "click"}])
        assert answer.status_code == 202
        assert len(answer.json()["ids"]) == 1


def by_producer(site: Site, user: str, new: str) -> None:
    with Producer(site.bootstrap, prefix=site.prefix) as producer:
        producer.item(item_id=new, title=f"三体 {new}", text=TWIN)
        assert producer.interaction(user_id=user, item_id="santi", type="click")
        producer.profile(user_id=user, attributes={"age": 30})


def by_kafka_python(site: Site, user: str, new: str) -> None:
    producer = KafkaProducer(bootstrap_servers=site.bootstrap, api_version=(2, 3))
    producer.send(site.topic("items"), key=new.encode(), value=item(new, f"三体 {new}", text=TWIN))
    producer.send(site.topic("interactions"), key=user.encode(), value=event(user, "santi"))
    producer.flush(10)
    producer.close()


def by_aiokafka(site: Site, user: str, new: str) -> None:
    async def send() -> None:
        async with AIOKafkaProducer(bootstrap_servers=site.bootstrap, compression_type="gzip") as producer:
            await producer.send_and_wait(site.topic("items"), item(new, f"三体 {new}", text=TWIN), key=new.encode())
            await producer.send_and_wait(site.topic("interactions"), event(user, "santi"), key=user.encode())

    asyncio.run(send())


def by_confluent_kafka(site: Site, user: str, new: str) -> None:
    producer = ConfluentProducer({
        "bootstrap.servers": site.bootstrap, "partitioner": "murmur2_random", "compression.type": "zstd",
    })  # fmt: skip
    producer.produce(site.topic("items"), item(new, f"三体 {new}", text=TWIN), new)
    producer.produce(site.topic("interactions"), event(user, "santi"), user)
    assert producer.flush(10) == 0


WAYS = [by_http, by_producer, by_kafka_python, by_aiokafka, by_confluent_kafka]


@pytest.mark.parametrize("send", WAYS, ids=lambda way: way.__name__)
def test_what_goes_in_comes_out(site: Site, client: Client, send: Any) -> None:
    name = send.__name__
    user, new = f"用户 {name}", f"new {name}"
    send(site, user, new)

    def history() -> list[str]:
        try:
            return [one["item_id"] for one in client.user(user)["history"]]
        except NotFoundError:
            return []

    eventually(lambda: history() == ["santi"])
    assert "santi" not in ids(client.recommend(user))
    eventually(lambda: client.item(new)["life"]["indexed"])
    found = eventually(lambda: [one for one in client.recommend(user, n=20)["items"] if one["item_id"] == new])
    assert found[0]["title"] == f"三体 {new}"


def ids(answer: dict[str, Any]) -> list[str]:
    return [one["item_id"] for one in answer["items"]]


def test_lists_come_out_of_every_door(site: Site, client: Client) -> None:
    client.events([{"user_id": "reader", "item_id": name, "type": "like"} for name in ("joy", "baking")])
    eventually(lambda: len(client.user("reader")["history"]) == 2)
    with site.system.http() as http:
        by_http = http.get("/v1/users/reader/recommendations", params={"n": 5}).json()
    assert len(by_http["items"]) == 5
    assert not {"joy", "baking"} & set(ids(by_http))
    assert by_http["user_id"] == "reader"
    assert by_http["took_ms"] > 0
    scores = [one["score"] for one in by_http["items"]]
    assert scores == sorted(scores, reverse=True)

    asked = {"n": "5", "user_id": "reader"}
    by_command = site.system.command("recommend", asked["user_id"], "-n", asked["n"], "--json").json()
    by_kafka = over_kafka(site, {"request_id": "r 7/8", "user_id": "reader", "n": 5})
    assert by_kafka["request_id"] == "r 7/8"
    for answer in (client.recommend("reader", n=5), by_command, by_kafka):
        assert set(answer) == set(by_http)
        assert ids(answer)[0] == ids(by_http)[0]
        assert len(answer["items"]) == 5
        assert not {"joy", "baking"} & set(ids(answer))
    table = site.system.command("recommend", "reader")
    assert table.status == 0
    assert by_http["items"][0]["title"] in table.out

    refused = over_kafka(site, {"request_id": "r9", "n": 0})
    assert (refused["status"], refused["request_id"]) == (422, "r9")
    worded = over_kafka(site, {"request_id": "r10", "text": "我喜欢阅读科幻小说，特别是刘慈欣的作品。", "n": 3})
    assert ids(worded)[0] in ("santi", "qiuzhuang", "xiangcun", "liulang", "chaoxinxing")


def over_kafka(site: Site, question: dict[str, Any]) -> dict[str, Any]:
    """The answer to a question that another program puts on `recommend-requests`."""
    topic = site.topic("recommendations")
    consumer = KafkaConsumer(bootstrap_servers=site.bootstrap, api_version=(2, 3), enable_auto_commit=False)
    producer = KafkaProducer(bootstrap_servers=site.bootstrap, api_version=(2, 3))
    try:
        parts = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(parts)
        consumer.seek_to_end(*parts)
        for part in parts:
            consumer.position(part)
        key = question["request_id"].encode()
        producer.send(site.topic("recommend-requests"), key=key, value=json.dumps(question).encode())
        producer.flush(10)

        def answer() -> Any:
            polled = consumer.poll(timeout_ms=200)
            return [json.loads(one.value) for batch in polled.values() for one in batch if one.key == key]

        found: dict[str, Any] = eventually(answer, seconds=15)[0]
        return found
    finally:
        producer.close()
        consumer.close()


def test_served_lists_are_recorded(site: Site, client: Client) -> None:
    served = client.recommend("somebody", n=3)

    def recorded() -> list[Any]:
        lists = [json.loads(record.value) for record in read_topic(site.bootstrap, site.topic("decisions"))]
        return [one for one in lists if one["request_id"] == served["request_id"]]

    [decision] = eventually(recorded)
    assert [one["item_id"] for one in decision["items"]] == ids(served)
    assert decision["user_id"] == "somebody"
