"""The one place that names concrete classes: settings in, parts out. Nothing is loaded before it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from coldspring.errors import CommandError
from recommender.event_types import EventTypes
from recommender.head import ItemHead, UserHead
from recommender.topics import Topics

if TYPE_CHECKING:
    from coldspring.live_state import LiveState
    from coldspring.producer import Producer
    from coldspring.settings import Settings
    from online_models.caps import Caps
    from serving.adjusting import House
    from streams.replay import DirectReplay

T = TypeVar("T")

KAFKA_API = (2, 3)
"""The oldest protocol that Kafka 4 speaks and the newest that the embedded broker does."""


def topics(settings: Settings) -> Topics:
    """The topics by name, with their partitions."""
    return Topics(settings.prefix, settings.partitions, settings.items_partitions)


def event_types(settings: Settings) -> EventTypes:
    """The interaction types and their weights."""
    return EventTypes(settings.weights)


def caps(settings: Settings, partitions: int = 1) -> Caps:
    """What the state of so many partitions keeps at most, and how far one account reaches."""
    from online_models.caps import Caps

    users = -(-settings.max_users * partitions // settings.partitions)
    return Caps(users, settings.max_items, settings.influence)


def create_topics(settings: Settings) -> list[str]:
    """Make the topics that are missing; their names.

    Raises
    ------
    CommandError: when Kafka is away, or a topic has another number of partitions than set.
    """
    from streams import admin

    try:
        return _run(admin.create_topics(settings.bootstrap, topics(settings)))
    except admin.TopicsDifferError as error:
        raise CommandError(f"{error}: set --partitions and --item-partitions to what they are") from None


def delete_topics(settings: Settings) -> None:
    """Remove the topics of this prefix, where the broker can; an embedded one cannot, and forgets them anyway."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    async def delete() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([topic.name for topic in topics(settings).all()])
        finally:
            await admin.close()

    try:
        asyncio.run(delete())
    except (KafkaError, OSError, AttributeError, LookupError):
        return


def cluster_id(settings: Settings) -> str:
    """The id that state in Redis lies under: the setting, else the Kafka cluster's own."""
    from streams import admin

    return settings.cluster or _run(admin.cluster_id(settings.bootstrap))


def live_state(settings: Settings) -> LiveState:
    """The state that the workers of these settings write."""
    from coldspring.live_state import LiveState
    from streams.redis_store import connect

    return LiveState(connect(settings.redis), cluster_id(settings), topics(settings), event_types(settings))


def compare_log(settings: Settings) -> dict[tuple[str, int], int]:
    """Compare the state with the log: by topic and partition, how many offsets the state has not seen are gone.

    Raises
    ------
    OtherLogError: when the state was learned from another log.
    """
    from faust.types import TP

    from coldspring.live_state import STATEFUL
    from streams.log_check import COMPACTED, Claim, LogCheck

    names = topics(settings)
    users, items = live_state(settings).heads()
    claims: dict[TP, Claim] = {}
    for kind in STATEFUL:
        heads: Sequence[UserHead | ItemHead] = items if kind == "items" else users
        for partition, head in enumerate(heads):
            if (position := head.next.get(kind)) is not None:
                claims[TP(names.name(kind), partition)] = Claim(position, head.marks.get(kind), kind in COMPACTED)
    found = asyncio.run(LogCheck(settings.bootstrap).verify_now(claims))
    return {(tp.topic, tp.partition): count for tp, bounds in found.items() if (count := bounds.missing(claims[tp]))}


def producer(settings: Settings) -> Producer:
    """A producer to these settings' topics."""
    from coldspring.producer import Producer

    return Producer(settings.bootstrap, prefix=settings.prefix, weights=settings.weights)


def consumer(settings: Settings) -> Any:
    """A kafka-python consumer without a group, for commands that read a topic from end to end."""
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    try:
        return KafkaConsumer(
            bootstrap_servers=settings.bootstrap.split(","),
            api_version=KAFKA_API,
            enable_auto_commit=False,
            isolation_level="read_committed",
        )
    except KafkaError as error:
        raise CommandError(f"Kafka at {settings.bootstrap} is not reachable ({type(error).__name__})") from None


def end_offsets(settings: Settings, names: Sequence[str]) -> dict[str, list[int]]:
    """The end of each partition of topics (named without prefix)."""
    from kafka import TopicPartition

    reader = consumer(settings)
    try:
        found = {}
        for name in names:
            parts = [TopicPartition(settings.prefix + name, p) for p in range(topics(settings).count(name))]
            ends = reader.end_offsets(parts)
            found[name] = [ends[part] for part in parts]
        return found
    finally:
        reader.close()


def cleanup_policies(settings: Settings) -> dict[str, str]:
    """The cleanup policy of each topic that exists.

    Raises
    ------
    CommandError: when the broker does not tell, as an embedded one does not.
    """
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    async def ask() -> dict[str, str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
        await admin.start()
        try:
            present = set(await admin.list_topics())
            wanted = [
                ConfigResource(ConfigResourceType.TOPIC, topic.name, {"cleanup.policy": None})
                for topic in topics(settings).all()
                if topic.name in present
            ]
            answers = await admin.describe_configs(wanted) if wanted else []
        finally:
            await admin.close()
        return {entry[3]: entry[4][0][1] for answer in answers for entry in answer.resources if entry[4]}

    return _run(ask())


def try_encoder(settings: Settings) -> str:
    """Load the encoder and encode one text; what it is, in words."""
    from embedding_worker.encoders.choose import make

    encoder = make(settings.encoder, settings.device, settings.data / "encoder" if settings.data.is_dir() else None)
    encoder.encode(["A cold spring."])
    return f"{encoder.model}, {encoder.dim} numbers, as {encoder.form}"


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run something that asks Kafka; a broker that is away becomes one line."""
    from aiokafka.errors import KafkaError

    try:
        return asyncio.run(work)
    except (KafkaError, OSError) as error:
        raise CommandError(f"Kafka: {type(error).__name__}: {error}") from None


class DirectAnswers:
    """Lists from the state of a direct replay: the recommender that serves, over states in memory."""

    def __init__(self, engine: DirectReplay, house: House | None = None) -> None:
        from coldspring.house import REPLAYED
        from recommender.events import decode_item, decode_profile
        from serving.live_recommender import LiveRecommender
        from serving.views.memory import MemoryReadModel

        def profile(user_id: str) -> Any:
            data = engine.profile(user_id)
            return decode_profile(data) if data else None

        engine.flush()
        states = [shard.state for shard in engine.users]
        for state in states:
            state.items.bring_all()
        model = MemoryReadModel(states, profile, lambda: engine.position()["interactions"], False, engine.shown.get)
        for data in engine.live_items().values():
            model.announce(decode_item(data))
        self._recommender = LiveRecommender(model, house=house, fresh_id=lambda: REPLAYED)

    def recommend(self, query: dict[str, Any]) -> dict[str, Any]:
        """The list for a query, as JSON values.

        Raises
        ------
        ValueError: for a query that serving would refuse.
        """
        import msgspec

        from recommender.query import Query

        try:
            asked = msgspec.convert(query, Query)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        answer: dict[str, Any] = msgspec.to_builtins(_at_once(self._recommender.recommend(asked)).answered())
        return answer


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits; callers may have an event loop of their own around them."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("an answer from memory waited for something")
