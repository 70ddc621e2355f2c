"""Serving on Kafka, real and embedded: what is published lies where it belongs, and the agent answers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from recommender.events import Forget, Interaction, Item, decode_interaction
from recommender.partitioning import partition_of
from recommender.query import RecommendationList, Unavailable
from recommender.topics import Topics
from serving.kafka_door import create_agent_app
from serving.publisher import KafkaPublisher
from streams.local_broker import EmbeddedBroker
from tests.unit.fakes.recommender import FakeRecommender


@pytest.fixture(params=["embedded", "real"])
async def broker(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[tuple[str, Topics]]:
    topics = Topics(prefix, partitions=4, item_partitions=3)
    if request.param == "embedded":
        with EmbeddedBroker({topic.name: topic.partitions for topic in topics.all()}) as embedded:
            yield embedded.bootstrap, topics
        return
    bootstrap = request.getfixturevalue("kafka").bootstrap
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic.name, topic.partitions, 1) for topic in topics.all()])
    await admin.close()
    yield bootstrap, topics


async def read(bootstrap: str, topic: str, partitions: int, count: int) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
        records: list[Any] = []
        deadline = time.monotonic() + 20
        while len(records) < count and time.monotonic() < deadline:
            records += [each for batch in (await consumer.getmany(timeout_ms=200)).values() for each in batch]
        return records
    finally:
        await consumer.stop()


async def test_events_lie_where_they_belong(broker: tuple[str, Topics]) -> None:
    bootstrap, topics = broker
    publisher = await KafkaPublisher(bootstrap, topics, now_ms=lambda: 7).start()
    try:
        clicks = [Interaction(f"u{n % 9}", "click", 5, f"i{n}", f"e{n}") for n in range(300)]
        places = await publisher.publish_interactions(clicks)
        assert [place.partition for place in places] == [partition_of(click.user_id, 4) for click in clicks]
        await publisher.publish_items([Item("i1", 5, title="三体")])
        await publisher.remove_item("i1")
        forget = await publisher.publish_forget(Forget("u1", 9))
        publisher.decision(RecommendationList("r1", None, 1.0, {"interactions": [1]}, []))
    finally:
        await publisher.close()
    found = await read(bootstrap, topics.interactions, 4, 300)
    assert sorted(decode_interaction(each.value).event_id or "" for each in found) == sorted(
        f"e{n}" for n in range(300)
    )
    assert all(each.partition == partition_of(each.key.decode(), 4) for each in found)
    for user in {click.user_id for click in clicks}:
        order = [int(json.loads(each.value)["item_id"][1:]) for each in found if each.key == user.encode()]
        assert order == sorted(order)
    announced, removed = await read(bootstrap, topics.items, 3, 2)
    assert (json.loads(announced.value)["title"], removed.key) == ("三体", b"i1")
    assert not removed.value
    [forgotten] = await read(bootstrap, topics.forgets, 4, 1)
    assert (forgotten.partition, forgotten.offset) == forget
    [decision] = await read(bootstrap, topics.decisions, 3, 1)
    assert (json.loads(decision.value)["request_id"], json.loads(decision.value)["timestamp"]) == ("r1", 7)


async def test_kafka_away_is_said_at_once_and_its_return_is_noticed(prefix: str) -> None:
    topics = Topics(prefix)
    nowhere = await KafkaPublisher("127.0.0.1:1", topics, timeout_s=0.5).start()
    with pytest.raises(Unavailable):
        await nowhere.publish_interactions([Interaction("u1", "click", 5, "i1")])
    await nowhere.close()

    broker = EmbeddedBroker({topic.name: topic.partitions for topic in topics.all()}).start()
    publisher = await KafkaPublisher(broker.bootstrap, topics, timeout_s=1.0).start()
    await publisher.publish_items([Item("i1", 5, title="x")])
    broker.close()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await publisher.publish_items([Item("i2", 5, title="x")])
    assert time.monotonic() - began < 2
    await publisher.close()


async def test_the_agent_answers(broker: tuple[str, Topics]) -> None:
    bootstrap, topics = broker
    app = create_agent_app(bootstrap, topics, FakeRecommender(), name=f"{topics.prefix}agent")
    await app.start()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for number in range(30):
            body = {"user_id": f"u{number}", "n": number, "request_id": f"r{number}"}
            await producer.send(topics.recommend_requests, json.dumps(body).encode(), key=b"x")
        await producer.send(topics.recommend_requests, b"not json", key=b"bad")
        await producer.flush()
        found = await asyncio.wait_for(read(bootstrap, topics.recommendations, 3, 31), 30)
    finally:
        await producer.stop()
        await app.stop()
    answers = {each.key.decode(): json.loads(each.value) for each in found}
    assert len(answers) == 31
    assert answers["r0"]["status"] == 422
    assert answers["bad"]["status"] == 400
    assert [len(answers[f"r{number}"]["items"]) for number in (1, 5)] == [1, 5]
