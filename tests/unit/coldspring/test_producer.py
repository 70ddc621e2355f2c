"""The Producer: what it refuses, what it fills in, where it sends."""

import gc
import json
from typing import Any

import pytest

from coldspring.errors import DeliveryError
from coldspring.producer import Producer
from recommender.partitioning import partition_of


class Future:
    def add_errback(self, errback: Any) -> None:
        self.errback = errback


class Wire:
    """A transport that keeps what it is given."""

    def __init__(self, partitions: int = 4) -> None:
        self.sent: list[tuple[str, Any, Any, Any]] = []
        self.futures: list[Future] = []
        self.partitions = partitions
        self.flushed = self.closed = 0

    def send(self, topic: str, value: Any = None, key: Any = None, headers: Any = None, partition: Any = None) -> Any:
        self.sent.append((topic, key, value, partition))
        self.futures.append(Future())
        return self.futures[-1]

    def partitions_for(self, topic: str) -> set[int]:
        return set(range(self.partitions))

    def flush(self, timeout: float | None = None) -> None:
        self.flushed += 1

    def close(self, timeout: float | None = None) -> None:
        self.closed += 1


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def producer(wire: Wire) -> Producer:
    return Producer(prefix="shop.", transport=wire, clock=lambda: 7.5)


def test_an_interaction_is_completed_and_goes_to_its_users_partition(producer: Producer, wire: Wire) -> None:
    event_id = producer.interaction(user_id="u1", item_id="i9", type="click", context={"device": "phone"})
    ((topic, key, value, partition),) = wire.sent
    assert (topic, key, partition) == ("shop.interactions", b"u1", partition_of("u1", 4))
    assert json.loads(value) == {
        "user_id": "u1", "item_id": "i9", "type": "click", "event_id": event_id, "timestamp": 7500,
        "context": {"device": "phone"},
    }  # fmt: skip


def test_items_profiles_forgets_and_removals(producer: Producer, wire: Wire) -> None:
    producer.item(item_id="i9", title="外星人", timestamp=5)
    producer.remove_item("i9")
    producer.profile(user_id="u1", text="sci-fi")
    producer.forget("u1")
    assert [(topic, key) for topic, key, _, _ in wire.sent] == [
        ("shop.items", b"i9"), ("shop.items", b"i9"), ("shop.profiles", b"u1"), ("shop.forgets", b"u1"),
    ]  # fmt: skip
    assert wire.sent[1][2] is None


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda p: p.interaction(user_id="", item_id="i", type="click"), "user_id"),
        (lambda p: p.interaction(user_id="u", item_id="i", type="clack"), "unknown_type"),
        (lambda p: p.interaction(user_id="u", type="click"), "item_id"),
        (lambda p: p.interaction(user_id="u", item_id="i", type="click", event_id=""), "event_id"),
        (lambda p: p.interaction(user_id="u", item_id="i", type="rating"), "value"),
        (lambda p: p.interaction(user_id="u", item_id="i", type="click", timestamp=0), "timestamp"),
        (lambda p: p.interactions([{"user_id": "u", "item_id": "i", "type": "click"}, {"user_id": "u"}]), "required"),
        (lambda p: p.item(item_id="i"), "title"),
        (lambda p: p.item(item_id="i", title=3), "title"),
        (lambda p: p.profile(user_id="u" * 257), "user_id"),
        (lambda p: p.remove_item("a\nb"), "control"),
        (lambda p: p.forget(""), "user_id"),
    ],
)
def test_what_would_be_a_dead_letter_is_refused(producer: Producer, wire: Wire, call: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call(producer)
    assert not wire.sent


def test_own_types_are_accepted(wire: Wire) -> None:
    Producer(transport=wire, weights={"wish": 1.5}).interaction(user_id="u", item_id="i", type="wish")
    assert len(wire.sent) == 1


def test_envelopes_hold_one_partition_each_and_at_most_500(producer: Producer, wire: Wire) -> None:
    events = [{"user_id": f"u{n % 50}", "item_id": f"i{n}", "type": "click"} for n in range(3_000)]
    ids = producer.interactions(events)
    assert len(set(ids)) == 3_000
    found = [(json.loads(value), partition) for _, _, value, partition in wire.sent]
    assert all(len(envelope) <= 500 for envelope, _ in found)
    assert all(partition_of(event["user_id"], 4) == partition for envelope, partition in found for event in envelope)
    order = {
        user: [e["item_id"] for envelope, _ in found for e in envelope if e["user_id"] == user] for user in ("u1",)
    }
    assert order["u1"] == [f"i{n}" for n in range(1, 3_000, 50)]


def test_another_partition_count_is_refused(wire: Wire) -> None:
    with pytest.raises(ValueError, match="4 partitions, not 8"):
        Producer(partitions=8, transport=wire).interaction(user_id="u", item_id="i", type="click")


def test_a_missing_topic_says_what_makes_it() -> None:
    with pytest.raises(DeliveryError, match="topics create"):
        Producer(transport=Wire(partitions=0)).interaction(user_id="u", item_id="i", type="click")


def test_what_was_not_delivered_is_told_by_flush(producer: Producer, wire: Wire) -> None:
    producer.forget("u1")
    wire.futures[0].errback(RuntimeError("broker gone"))
    with pytest.raises(DeliveryError, match="broker gone"):
        producer.flush()
    producer.flush()


def test_a_producer_that_is_let_go_delivers(wire: Wire) -> None:
    Producer(transport=wire).forget("u1")
    gc.collect()
    assert (wire.flushed, wire.closed) == (1, 1)


def test_close_twice(producer: Producer, wire: Wire) -> None:
    with producer:
        producer.close()
    assert wire.closed == 1
