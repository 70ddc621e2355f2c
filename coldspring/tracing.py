"""The stages of one event or item, found afterwards: in the log, in the workers' notes, in the item's life."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from coldspring.errors import CommandError
from recommender.head import decode_user_head
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.passages import KEPT, STAGES, Passage, decode_passage, trace_id

if TYPE_CHECKING:
    from coldspring.configuration import Configuration
    from coldspring.settings import Settings

POLL_MS: Final = 1_000
MAX_POLLS: Final = 15
"""How often in a row the log may have nothing before its end: after that the broker is taken to be away."""
TOPIC: Final = "interactions"

Place = tuple[int, int]
"""Partition and offset."""


def place(text: str) -> Place:
    """Partition and offset of "2:81734".

    >>> place("2:81734")
    (2, 81734)

    Raises
    ------
    CommandError: when it is not of that form.
    """
    partition, _, offset = text.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise CommandError(f"expected PARTITION:OFFSET, got {text!r}")
    return int(partition), int(offset)


def of_item(config: Configuration, item_id: str) -> dict[str, Any]:
    """An item's life, stage by stage in ms.

    Raises
    ------
    NotFoundError: for an item that the system does not know.
    """
    from coldspring.cli.lists import connected

    with connected(config) as client:
        life = client.item(item_id)["life"]
    return {"item_id": item_id, "stages": life, "trace_id": trace_id(item_id)}


def of_event(
    settings: Settings, event_id: str | None, at: Place | None, user: str | None = None, last: int = 20_000
) -> dict[str, Any]:
    """The stages of an interaction: found by its id among the newest records of the log, or by its place.

    Parameters
    ----------
    user
        Look in this user's partition only.
    last
        How many records of each partition are looked through.

    Raises
    ------
    CommandError: when the log has no such record, or Kafka or Redis are away.
    """
    found = _find(settings, event_id, at, user, last)
    if found is None:
        if at is not None:
            raise CommandError(f"{TOPIC} has no record at {at[0]}:{at[1]}")
        raise CommandError(f"{event_id} is not among the last {last} records of each partition of {TOPIC}")
    partition, offset, published = found
    passage, position = _noted(settings, partition, offset)
    stages: dict[str, int | None] = dict.fromkeys(STAGES)
    stages["published"] = published
    told: dict[str, Any] = {"topic": TOPIC, "partition": partition, "offset": offset, "stages": stages}
    if event_id is not None:
        told |= {"event_id": event_id, "trace_id": trace_id(event_id)}
    if passage is not None:
        stages |= {"read": passage.read, "learned": passage.learned, "stored": passage.stored}
        told["together_with"] = passage.records
    elif offset < position:
        told["note"] = f"stored; of each partition only the newest {KEPT} stretches keep their times"
    else:
        told["note"] = f"not stored yet: the state ends at {position}"
    return told


def _find(
    settings: Settings, event_id: str | None, at: Place | None, user: str | None, last: int
) -> tuple[int, int, int] | None:
    """Partition, offset and time of the record."""
    if at is not None:
        records = _records(settings, [at[0]], at[1], 1)
        return next(((p, offset, when) for p, offset, when, _ in records if offset == at[1]), None)
    every = range(settings.partitions)
    partitions = every if user is None else [partition_of(user, settings.partitions)]
    wanted = (event_id or "").encode()
    for partition, offset, when, value in _records(settings, partitions, None, last):
        if wanted in value and event_id in _ids(value):
            return partition, offset, when
    return None


def _ids(value: bytes) -> list[Any]:
    """The event ids in a record: of one event, or of an envelope."""
    import json

    try:
        told = json.loads(value)
    except ValueError:
        return []
    events = told if isinstance(told, list) else [told]
    return [event.get("event_id") for event in events if isinstance(event, dict)]


def _records(
    settings: Settings, partitions: Sequence[int], begin: int | None, count: int
) -> Iterator[tuple[int, int, int, bytes]]:
    """Partition, offset, time and value of records from `begin` on, or of the last ones before the end."""
    from kafka import TopicPartition
    from kafka.errors import KafkaError

    from coldspring import wiring

    reader = wiring.consumer(settings)
    try:
        places = [TopicPartition(settings.prefix + TOPIC, partition) for partition in partitions]
        ends, begins = reader.end_offsets(places), reader.beginning_offsets(places)
        reader.assign(places)
        for each in places:
            first = max(0, ends[each] - count) if begin is None else begin
            reader.seek(each, max(first, begins[each]))
        idle = 0
        while idle < MAX_POLLS and any(reader.position(each) < ends[each] for each in places):
            polled = reader.poll(POLL_MS)
            idle = 0 if polled else idle + 1
            for each, records in polled.items():
                for record in records:
                    yield each.partition, record.offset, record.timestamp, record.value or b""
                if begin is not None and records:
                    return
    except KafkaError as error:
        raise CommandError(f"Kafka: {type(error).__name__}: {error}") from None
    finally:
        reader.close()


def _noted(settings: Settings, partition: int, offset: int) -> tuple[Passage | None, int]:
    """The stretch of the log that holds the record, if it is still noted, and where the state ends."""
    import redis

    from coldspring import wiring
    from streams.redis_store import connect

    keys = Keys(wiring.cluster_id(settings), settings.prefix).users(partition)
    client = connect(settings.redis)
    try:
        head: Any = client.get(keys.head)
        kept: Any = client.lrange(keys.passages, 0, -1)
    except (redis.RedisError, OSError) as error:
        raise CommandError(f"Redis: {type(error).__name__}: {error}") from None
    finally:
        client.close()
    passages = map(decode_passage, kept)
    found = next((passage for passage in passages if passage.holds(TOPIC, offset)), None)
    return found, decode_user_head(head).next.get(TOPIC, 0)
