"""Events to Kafka, from Python.

Run it against any broker whose topics exist (`coldspring up`, `coldspring topics create`)::

    from coldspring import Producer

    with Producer("localhost:9092") as producer:
        producer.item(item_id="i9", title="Alien (1979)", categories=["Horror", "Sci-Fi"])
        producer.interaction(user_id="u1", item_id="i9", type="click")
"""

from __future__ import annotations

import time
import uuid
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from coldspring.errors import DeliveryError
from recommender import events
from recommender.event_types import EventTypes
from recommender.partitioning import partition_of
from recommender.reasons import BadEventError

ENVELOPE_BYTES = 500_000
"""An envelope is closed at this size, well under a broker's usual limit of 1 MB a record."""

WAIT_S = 30.0


class Transport(Protocol):
    """What is needed of kafka-python's `KafkaProducer`; a test may give its own."""

    def send(self, topic: str, value: bytes | None = None, key: bytes | None = None,
             headers: list[tuple[str, bytes]] | None = None, partition: int | None = None) -> Any:  # fmt: skip
        """Hand a record over; what comes back has `add_errback`."""

    def partitions_for(self, topic: str) -> set[int]:
        """The numbers of a topic's partitions."""

    def flush(self, timeout: float | None = None) -> None:
        """Wait for all records; raises after `timeout` seconds."""

    def close(self, timeout: float | None = None) -> None:
        """Disconnect."""


class Producer:
    """Sends events to Coldspring's topics; every event is checked before it leaves.

    Records go out in batches in the background; what was not delivered is told by the next `flush` or `close`, and
    a producer that is let go, or a program that ends, delivers what is left.

    Parameters
    ----------
    bootstrap: Kafka's address, "host:port", more of them comma separated.
    prefix: what stands before the topics' names.
    partitions: of `interactions`, if you want it compared with the broker's (ValueError when it differs).
    weights: weights of your own interaction types, as in the setting; their names are accepted.
    clock: seconds since 1970, for events without a timestamp.
    transport: in place of a connection to Kafka.

    Examples
    --------
    >>> from coldspring import Producer                                             # doctest: +SKIP
    >>> producer = Producer("localhost:9092")                                       # doctest: +SKIP
    >>> producer.interaction(user_id="u1", item_id="i9", type="click")              # doctest: +SKIP
    'c2d9f1…'
    >>> producer.profile(user_id="u1", text="我喜欢阅读科幻小说")                      # doctest: +SKIP
    >>> producer.close()                                                            # doctest: +SKIP
    """

    def __init__(
        self,
        bootstrap: str = "localhost:9092",
        *,
        prefix: str = "",
        partitions: int | None = None,
        weights: Mapping[str, float] | None = None,
        clock: Callable[[], float] = time.time,
        transport: Transport | None = None,
    ) -> None:
        self._types = EventTypes(weights)
        self._prefix = prefix
        self._expected = partitions
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._failures: list[str] = []
        self._transport = transport or _connect(bootstrap)
        # Also when nobody calls close(): a one-liner's event must arrive.
        self._finalizer = weakref.finalize(self, _close, self._transport)

    def interaction(
        self, *, user_id: str, item_id: str | None = None, type: str, timestamp: int | None = None,  # noqa: A002
        event_id: str | None = None, **fields: Any,
    ) -> str:  # fmt: skip
        """Send one interaction; returns its event_id (a fresh one where none was given).

        `fields` are the others of the contract: value, scale, items, context, request_id.

        Raises
        ------
        ValueError: when the event would be a dead letter; the message says why.
        """
        fields |= {"user_id": user_id, "item_id": item_id, "type": type, "event_id": event_id, "timestamp": timestamp}
        event_id, value = self._interaction(fields)
        self.send("interactions", user_id, value)
        return event_id

    def interactions(self, events_: Iterable[Mapping[str, Any]]) -> list[str]:
        """Send many interactions (dicts with the contract's fields) in envelopes: far quicker than one by one.

        All are checked first; one bad event, and nothing is sent (ValueError). Returns their event_ids.
        """
        checked = [(str(event.get("user_id")), *self._interaction(dict(event))) for event in events_]
        self._envelopes((user_id, value) for user_id, _, value in checked)
        return [event_id for _, event_id, _ in checked]

    def envelopes(self, events_: Iterable[Mapping[str, Any]]) -> list[tuple[int, int]]:
        """`interactions`, but what is returned are the records made of them: partition and bytes of each."""
        return self._envelopes([(str(event["user_id"]), self._interaction(dict(event))[1]) for event in events_])

    def item(self, *, item_id: str, timestamp: int | None = None, **fields: Any) -> None:
        """Announce an item: title, text, categories, tags, domain, language, image, audio, video, attributes, …

        Raises
        ------
        ValueError: when the item would be a dead letter; the message says why.
        """
        value = msgspec.json.encode(_present(fields | {"item_id": item_id, "timestamp": self._time(timestamp)}))
        events.decode_item(value)
        self.send("items", item_id, value)

    def remove_item(self, item_id: str) -> None:
        """Remove an item; it lives again when it is announced again."""
        self.send("items", events.check_id("item_id", item_id), None)

    def profile(self, *, user_id: str, timestamp: int | None = None, **fields: Any) -> None:
        """Send what a user says of themself: text, attributes, same_as. ValueError as for an item."""
        value = msgspec.json.encode(_present(fields | {"user_id": user_id, "timestamp": self._time(timestamp)}))
        events.decode_profile(value)
        self.send("profiles", user_id, value)

    def forget(self, user_id: str, timestamp: int | None = None) -> None:
        """Have a user's events up to `timestamp` (event time in ms, default now) forgotten."""
        value = msgspec.json.encode({"user_id": user_id, "timestamp": self._time(timestamp)})
        events.decode_forget(value)
        self.send("forgets", user_id, value)

    def send(
        self, topic: str, key: str | None, value: bytes | None, headers: Mapping[str, str] | None = None,
        partition: int | None = None,
    ) -> None:  # fmt: skip
        """Send bytes as they are to one of the contract's topics, unchecked; the key decides the partition."""
        name = self._prefix + topic
        if partition is None:
            partition = self._partition(topic, key) if key is not None else 0
        pairs = [(header, text.encode()) for header, text in (headers or {}).items()]
        record_key = None if key is None else key.encode()
        try:
            future = self._transport.send(name, value=value, key=record_key, headers=pairs, partition=partition)
        except Exception as error:
            raise DeliveryError(f"{name}: not taken by Kafka: {error}") from error
        failures = self._failures  # not `self`: a waiting callback must not keep a producer alive
        future.add_errback(lambda error: failures.append(f"{name}: {error}"))

    def flush(self, timeout_s: float = WAIT_S) -> None:
        """Wait until everything sent so far is in Kafka.

        Raises
        ------
        DeliveryError: when something was not taken.
        """
        try:
            self._transport.flush(timeout=timeout_s)
        except Exception as error:
            raise DeliveryError(f"Kafka did not take everything within {timeout_s:g} s: {error}") from error
        if self._failures:
            first, count = self._failures[0], len(self._failures)
            self._failures.clear()
            raise DeliveryError(f"{count} records were not delivered, the first: {first}")

    def close(self) -> None:
        """Flush and disconnect; safe to call twice. Raises `DeliveryError` as `flush` does."""
        if self._finalizer.alive:
            try:
                self.flush()
            finally:
                self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _interaction(self, fields: dict[str, Any]) -> tuple[str, bytes]:
        fields["event_id"] = uuid.uuid4().hex if fields.get("event_id") is None else fields["event_id"]
        fields["timestamp"] = self._time(fields.get("timestamp"))
        value = msgspec.json.encode(_present(fields))
        event = events.decode_interaction(value)
        if event.type not in self._types:
            raise BadEventError("unknown_type", f"{event.type!r} is none of {', '.join(self._types.names)}")
        return str(fields["event_id"]), value

    def _envelopes(self, values: Iterable[tuple[str, bytes]]) -> list[tuple[int, int]]:
        parts: dict[int, list[list[bytes]]] = {}
        for user_id, value in values:
            envelopes = parts.setdefault(self._partition("interactions", user_id), [[]])
            size = sum(map(len, envelopes[-1])) + len(value)
            if len(envelopes[-1]) == events.MAX_ENVELOPE or size > ENVELOPE_BYTES:
                envelopes.append([])
            envelopes[-1].append(value)
        sent = []
        for partition, envelopes in parts.items():
            for envelope in filter(None, envelopes):
                record = b"[" + b",".join(envelope) + b"]"
                self.send("interactions", None, record, partition=partition)
                sent.append((partition, len(record)))
        return sent

    def _partition(self, topic: str, identity: str) -> int:
        if topic not in self._counts:
            self._counts[topic] = self._count(topic)
        return partition_of(identity, self._counts[topic])

    def _count(self, topic: str) -> int:
        try:
            found = self._transport.partitions_for(self._prefix + topic)
        except Exception as error:
            raise DeliveryError(f"no answer about topic {self._prefix + topic} from Kafka: {error}") from error
        if not found:
            raise DeliveryError(f"there is no topic {self._prefix + topic}: coldspring topics create makes it")
        if topic == "interactions" and self._expected not in (None, len(found)):
            raise ValueError(f"{self._prefix}interactions has {len(found)} partitions, not {self._expected}")
        return len(found)

    def _time(self, timestamp: int | None) -> int:
        return int(self._clock() * 1000) if timestamp is None else timestamp


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _connect(bootstrap: str) -> Transport:
    from kafka import KafkaProducer

    transport: Transport = KafkaProducer(
        bootstrap_servers=bootstrap.split(","),
        acks="all",
        linger_ms=5,
        batch_size=128 * 1024,
        max_block_ms=10_000,
        # Asking the broker for its version is something that the embedded one does not answer; 2.3 is the oldest
        # protocol that Kafka 4 speaks and the newest that the embedded broker does.
        api_version=(2, 3),
    )
    return transport


def _close(transport: Transport) -> None:
    try:
        transport.flush(timeout=WAIT_S)
    finally:
        transport.close(timeout=1.0)
