"""Topics made before any worker reads, and the cluster's id."""

from __future__ import annotations

import logging
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from recommender.topics import Topics

logger = logging.getLogger(__name__)


class TopicsDifferError(Exception):
    """A topic is there with another number of partitions than the settings say."""


async def create_topics(bootstrap: str, topics: Topics, replication: int = 1) -> list[str]:
    """Make the topics that are missing; returns their names.

    Raises
    ------
    TopicsDifferError
        If a topic has another number of partitions: the partition decides who owns a user, so
        nothing may start on that.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = {t["topic"]: len(t["partitions"]) for t in await _described(admin, topics)}
        wrong = [
            f"{t.name} has {existing[t.name]} partitions, the settings say {t.partitions}"
            for t in topics.all()
            if t.name in existing and existing[t.name] != t.partitions
        ]
        if wrong:
            raise TopicsDifferError("; ".join(wrong))
        missing = [t for t in topics.all() if t.name not in existing]
        if missing:
            new = [NewTopic(t.name, t.partitions, replication, topic_configs=t.config) for t in missing]
            response = await admin.create_topics(new)
            _raise_errors(response)
        return [t.name for t in missing]
    finally:
        await admin.close()


async def cluster_id(bootstrap: str) -> str:
    """The id of the Kafka cluster: state of another cluster is another state."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described: Any = await admin.describe_cluster()
        return str(described.get("cluster_id") or "unknown")
    finally:
        await admin.close()


async def _described(admin: AIOKafkaAdminClient, topics: Topics) -> list[dict[str, Any]]:
    wanted = {t.name for t in topics.all()}
    present = [name for name in await admin.list_topics() if name in wanted]
    return list(await admin.describe_topics(present)) if present else []


def _raise_errors(response: Any) -> None:
    for entry in response.topic_errors:
        name, code = entry[0], entry[1]
        if code and for_code(code) is not TopicAlreadyExistsError:
            detail = entry[2] if len(entry) > 2 else ""
            raise KafkaError(f"cannot make the topic {name}: {for_code(code).__name__} {detail}")
