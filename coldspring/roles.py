"""What each process of the system does: settings to parts, parts run until the end is asked for."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coldspring import crash_points
from coldspring.forget_key import forget_key
from coldspring.open_log import open_log
from coldspring.past import checkpoint_folder
from coldspring.process import RUN, Role
from coldspring.wiring import caps, event_types, topics
from recommender.keys import Keys

if TYPE_CHECKING:
    from coldspring.settings import Settings


async def worker(settings: Settings, stop: asyncio.Event) -> None:
    """Learn: fold interactions, profiles, forgets and items into the state in Redis."""
    from coldspring import metrics
    from coldspring.otlp import spans
    from streams.worker import Worker, WorkerSettings

    known = await cluster(settings)
    told = WorkerSettings(
        bootstrap=settings.bootstrap,
        redis=settings.redis,
        cluster=known,
        topics=topics(settings),
        types=event_types(settings),
        group=f"{settings.group}-worker",
        dedupe=settings.dedupe,
        caps=caps(settings),
        batch_records=settings.batch,
        examples=settings.examples > 0,
        checkpoints=checkpoint_folder(settings, known),
        forget_key=forget_key(settings.forget_key or state_folder(settings, known) / "forget.key"),
        session_timeout_s=settings.session,
        stall_s=settings.stall,
        open_log=lambda: open_log(settings, known),
        spans=spans(settings, "worker"),
    )
    worker = Worker(told, clock=wall_ms, reached=crash_points.from_environment())
    if settings.metrics:
        metrics.show(lambda: worker.pulse.told)
    await worker.run(stop)


async def trainer(settings: Settings, stop: asyncio.Event) -> None:
    """Train: learn weights and factors from examples."""
    from coldspring import metrics
    from streams.train_worker import TrainWorker

    known = await cluster(settings)
    data = state_folder(settings, known)
    trainer = TrainWorker(
        settings.bootstrap, settings.redis, known, topics(settings), data,
        tested=settings.tested, lessons=settings.examples, caps=caps(settings, settings.partitions),
    )  # fmt: skip
    if settings.metrics:
        metrics.show(lambda: trainer.pulse.told)
    await trainer.run(stop)


async def embedding(settings: Settings, stop: asyncio.Event) -> None:
    """Encode: items to vectors, and typed texts for serving."""
    from embedding_worker.worker import run
    from embedding_worker.worker_settings import WorkerSettings

    names = topics(settings)
    host, port = _address(settings.encoder_url)
    folder = settings.data / "encoder"
    folder.mkdir(parents=True, exist_ok=True)
    told = WorkerSettings(
        bootstrap=settings.bootstrap,
        redis_url=settings.redis,
        keys=Keys(await cluster(settings), settings.prefix),
        items=names.items,
        item_vectors=names.item_vectors,
        group=f"{settings.prefix}{settings.group}-embedding",
        encoder=settings.encoder,
        device=settings.device,
        folder=folder,
        batch_items=settings.encode_batch,
        host=host,
        port=port,
    )
    await run(told, stop, reached=crash_points.from_environment())


async def serving(settings: Settings, stop: asyncio.Event) -> None:
    """Answer over HTTP."""
    from coldspring import serving_roles

    known = await cluster(settings)
    folder = state_folder(settings, known) / "index"
    folder.mkdir(exist_ok=True)
    await serving_roles.serve(settings, known, folder, wall_ms, stop)


async def agent(settings: Settings, stop: asyncio.Event) -> None:
    """Answer over Kafka."""
    from coldspring import serving_roles

    await serving_roles.agent(settings, await cluster(settings), wall_ms, stop)


async def cluster(settings: Settings) -> str:
    """The id that state in Redis lies under; waits for Kafka, where it has to be asked."""
    if settings.cluster:
        return settings.cluster
    from aiokafka.errors import KafkaError

    from streams.admin import cluster_id

    while True:
        try:
            return await cluster_id(settings.bootstrap)
        except (KafkaError, OSError):
            await asyncio.sleep(1.0)


def state_folder(settings: Settings, cluster_id: str) -> Path:
    """Where a deployment's snapshots lie: apart for each log, since none fits another's."""
    run = os.environ.get(RUN)
    folder = Path(run) / "state" if run else settings.data / "state" / f"{cluster_id}.{settings.prefix}".rstrip(".")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def wall_ms() -> int:
    """The wall clock, ms since 1970."""
    return time.time_ns() // 1_000_000


def _address(url: str) -> tuple[str, int]:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80


ROLES: Final[dict[str, Role]] = {
    "worker": worker,
    "trainer": trainer,
    "embedding": embedding,
    "serving": serving,
    "agent": agent,
}
