"""The Faust app: which agent reads which topic. What the agents do is in `steps.py`."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from typing import Any, cast

import faust

from streams.batch import Batch
from streams.lanes import Lanes
from streams.transport import BatchTransport, PassThrough, Positions

Handler = Callable[[Batch], Awaitable[None]]


class App(faust.App):
    """An app that keeps nothing in files: Faust would make a folder for its tables where the process was started."""

    def _create_directories(self) -> None:
        pass


def create_app(
    name: str,
    bootstrap: str,
    handlers: Mapping[str, Handler],
    positions: Positions,
    session_timeout_s: float = 6.0,
    fetched_batches: int = 4,
    patience_ms: int = 0,
) -> faust.App:
    """An app with one agent for each topic of `handlers` (full topic names).

    No tables, no web server, no commits: the state's own position is the only one that counts.
    `name` is the consumer group; `patience_ms` see `BatchTransport`.
    """
    app = App(
        name,
        broker=[f"kafka://{address}" for address in bootstrap.split(",")],
        web_enabled=False,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_buffer_maxsize=fetched_batches,
        stream_wait_empty=False,
        table_standby_replicas=0,  # with Faust's default of 1, two workers keep 2 partitions each and a third gets none
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=session_timeout_s / 3,
        broker_rebalance_timeout=session_timeout_s,
        broker_request_timeout=max(15.0, session_timeout_s),
        consumer_auto_offset_reset="none",
        consumer_metadata_max_age_ms=10_000,  # a topic that was away, or was made anew, is noticed by this alone
    )
    app.transport = BatchTransport(bootstrap, app, positions, patience_ms)
    for topic, handler in handlers.items():
        source = app.topic(topic, value_type=cast("Any", Batch), value_serializer=PassThrough(), acks=False)
        app.agent(source, name=f"{name}.{topic}")(_agent(handler))
    return app


def _agent(handler: Handler) -> Callable[[AsyncIterable[Batch]], Awaitable[None]]:
    async def agent(batches: AsyncIterable[Batch]) -> None:
        lanes = Lanes(handler)
        try:
            async for batch in batches:
                await lanes.put(batch)
        finally:
            await lanes.close()

    return agent
