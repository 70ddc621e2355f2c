"""The Kafka recommender agent: questions from `recommend-requests`, answers to `recommendations`.

The second, slower door to the recommender (some 6 ms where HTTP takes 2), for those who live in
Kafka anyway. A process of its own: its Faust app reads nothing else.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import faust
import msgspec
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from yarl import URL

from recommender.query import Query
from recommender.service import RecommenderService
from recommender.topics import Topics
from serving.answering import Decisions, answer
from serving.http.problem import problem_of
from serving.metrics import Metrics
from serving.question import decode_query

log = logging.getLogger(__name__)

CONCURRENCY = 16
"""An agent awaits each answer's write: one at a time would end at some 200 questions a second."""


class App(faust.App):
    """An app that makes no folder for tables, of which it has none."""

    def _create_directories(self) -> None:
        pass


def create_agent_app(
    broker: str,
    topics: Topics,
    service: RecommenderService,
    *,
    name: str = "coldspring-recommender",
    decisions: Decisions | None = None,
    metrics: Metrics | None = None,
    fresh_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    session_timeout_s: float = 6.0,
) -> faust.App:
    """A Faust app with the one agent; `name` is its consumer group, `broker` "host:port", more by commas.

    `metrics` counts the answers, under the route "kafka". Both topics must exist before it starts. The caller starts
    and stops `service`.
    """
    app = App(
        name,
        broker=[f"kafka://{address}" for address in broker.split(",")],
        web_enabled=False,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        producer_linger=0.0,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=session_timeout_s / 3,
        broker_rebalance_timeout=session_timeout_s,
        broker_request_timeout=max(15.0, session_timeout_s),
        consumer_auto_offset_reset="earliest",
    )
    app.transport = _Transport([URL(f"kafka://{address}") for address in broker.split(",")], app)
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    requests = app.topic(topics.recommend_requests, internal=False, **raw)
    answers = app.topic(topics.recommendations, internal=False, **raw)

    @app.agent(requests, name=f"{name}.recommend", concurrency=CONCURRENCY)
    async def recommend(stream: Any) -> AsyncIterator[None]:
        async for key, value in stream.items():
            began = time.perf_counter()
            answered, body, status = await reply(service, key, value, decisions, fresh_id)
            await answers.send(key=answered, value=body)
            if metrics is not None:
                metrics.request("kafka", "POST", status, time.perf_counter() - began)
            yield

    return app


async def reply(
    service: RecommenderService,
    key: bytes | None,
    value: bytes | None,
    decisions: Decisions | None,
    fresh_id: Callable[[], str],
) -> tuple[bytes, bytes, int]:
    """Key, value and status of the answer to one request: the list, or a problem object with its request_id.

    The request_id is the body's, else the record's key, else a fresh one. Never raises: an exception
    in an agent would skip the request without a word.
    """
    own_id = _text(key) or fresh_id()
    try:
        query: Query = decode_query(value or b"", lambda: own_id)
        served = await answer(service, query, decisions)
        return (query.request_id or own_id).encode(), msgspec.json.encode(served), 200
    except Exception as error:
        problem = problem_of(error)
        if problem.kind == "internal":
            log.exception("a request of the recommender agent failed")
        asked_id = _request_id(value) or own_id
        return asked_id.encode(), msgspec.json.encode({**problem.as_dict(), "request_id": asked_id}), problem.status


class _Named(msgspec.Struct):
    request_id: str | None = None


def _request_id(value: bytes | None) -> str | None:
    """The request_id of a body that may be wrong otherwise."""
    try:
        return msgspec.json.decode(value or b"", type=_Named).request_id
    except (ValueError, RecursionError):
        return None


def _text(key: bytes | None) -> str | None:
    try:
        return key.decode() if key else None
    except UnicodeDecodeError:
        return None


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust reads committed records only in its exactly-once mode, which we do not use.
        consumer._isolation_level = "read_committed"
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer
