"""The embedding worker: `items` in, `item-vectors` and vectors in Redis out, free texts answered meanwhile.

A batch's vectors are first on the topic, acknowledged, then in Redis together with the position, then
the offset is committed. After a crash at any point the batch is done again from Redis' position,
with the same result: vectors are the same up to the last bits, and every record names the offset of its item's record.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from embedding_worker.counters import Counters
from embedding_worker.encoders.choose import make
from embedding_worker.encoders.encoder import Encoder
from embedding_worker.encoding_thread import EncodingThread
from embedding_worker.item_stream import ItemStream
from embedding_worker.query_server import QueryServer
from embedding_worker.vector_store import VectorStore, connect
from embedding_worker.worker_settings import WorkerSettings

log = logging.getLogger(__name__)


def wall_ms() -> int:
    """The wall clock, ms since 1970."""
    return time.time_ns() // 1_000_000


async def run(
    settings: WorkerSettings,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[int], None] | None = None,
    *,
    make_encoder: Callable[[], Encoder] | None = None,
    clock_ms: Callable[[], int] = wall_ms,
    reached: Callable[[str], None] = lambda _: None,
) -> Counters:
    """Work until `stop` is set; then finish the batch in hand and return the counters.

    on_ready gets the query server's port once items are read. make_encoder replaces the encoder of the
    settings (tests); reached is told each moment by name, so that a test can end the process there. Raises what
    making the encoder raises, and `OSError` if the port is taken; Kafka and Redis may be away at any time, also at
    the start: then it waits for them.
    """
    stop = stop or asyncio.Event()
    counters = Counters()
    thread = EncodingThread(
        make_encoder or (lambda: make(settings.encoder, settings.device, settings.folder, settings.threads)), counters
    )
    client = connect(settings.redis_url)
    settled = asyncio.Event()
    server = QueryServer(thread, settled.is_set)
    try:
        port = await server.start(settings.host, settings.port)
        thread.start()
        encoder = await thread.ready()
        store = VectorStore(client, settings.keys, encoder.space, encoder.dim)
        stream = ItemStream(settings, encoder, thread, store, clock_ms, reached)

        def ready() -> None:
            settled.set()
            if on_ready is not None:
                on_ready(port)

        await stream.run(stop, ready)
    finally:
        await server.close()
        await client.aclose()
        thread.close()
    return counters
