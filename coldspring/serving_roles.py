"""The two doors: HTTP and the Kafka recommender agent, each over a recommender of its own process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coldspring import crash_points
from coldspring.house import house_of
from coldspring.wiring import event_types, topics
from recommender.keys import Keys
from recommender.tasks import end

if TYPE_CHECKING:
    from pathlib import Path

    from coldspring.settings import Settings
    from recommender.query import RecommendationList
    from serving.live_recommender import LiveRecommender
    from serving.metrics import Metrics
    from serving.publisher import KafkaPublisher
    from serving.served_impressions import ServedImpressions


@dataclass(frozen=True, slots=True)
class Parts:
    """What both doors need, started."""

    recommender: LiveRecommender
    publisher: KafkaPublisher
    impressions: ServedImpressions | None = None

    def record(self, served: RecommendationList) -> None:
        """Hand a served list on to whoever is told of it; never waits, never fails."""
        self.publisher.decision(served)
        if self.impressions is not None:
            self.impressions.offer(served)


async def serve(settings: Settings, cluster: str, folder: Path, clock: Callable[[], int], stop: asyncio.Event) -> None:
    """HTTP, until `stop`."""
    import uvicorn

    from coldspring.settings import split_address
    from serving.http.app import create_app
    from serving.http.server import server_config

    class Server(uvicorn.Server):
        """Uvicorn without signal handlers: the process has its own."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    async with parts(settings, cluster, folder, clock) as ready:
        app = create_app(
            ready.recommender,
            ready.publisher,
            types=event_types(settings),
            decisions=ready.record,
            now_ms=clock,
        )
        host, port = split_address(settings.http)
        server = Server(server_config(app, host=host, port=port, drain_s=3))
        serving = asyncio.create_task(server.serve())
        asked = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving


async def agent(settings: Settings, cluster: str, clock: Callable[[], int], stop: asyncio.Event) -> None:
    """The Kafka recommender agent, until `stop`."""
    from serving.kafka_door import create_agent_app
    from serving.metrics import Metrics

    counted = Metrics()
    async with parts(settings, cluster, None, clock) as ready:
        app = create_agent_app(
            settings.bootstrap,
            topics(settings),
            ready.recommender,
            name=f"{settings.prefix}{settings.group}-recommender",
            decisions=ready.record,
            metrics=counted,
        )
        await app.start()
        telling = asyncio.create_task(_tell(counted, ready.recommender)) if settings.metrics else None
        try:
            await stop.wait()
        finally:
            if telling is not None:
                await end(telling)
            await app.stop()


async def _tell(counted: Metrics, recommender: LiveRecommender) -> None:
    """Show the recommender's figures on this process's own address, once a second."""
    from coldspring import metrics
    from recommender.query import Unavailable

    metrics.show_requests(counted)
    while True:
        with contextlib.suppress(Unavailable):
            counted.tell(await recommender.status())
        await asyncio.sleep(1.0)


def places(settings: Settings) -> list[str]:
    """Every partition that the state is folded from, "<topic>:<partition>"."""
    of_users = ("interactions", "profiles", "forgets")
    found = [f"{topic}:{partition}" for topic in of_users for partition in range(settings.partitions)]
    return [*found, *(f"items:{partition}" for partition in range(settings.items_partitions))]


@contextlib.asynccontextmanager
async def parts(
    settings: Settings, cluster: str, folder: Path | None, clock: Callable[[], int]
) -> AsyncIterator[Parts]:
    """A recommender over Redis and the index, and a publisher; both end with the block.

    `folder` is for snapshots of the index; None for none.
    """
    from coldspring.otlp import spans
    from embedding_worker.query_client import QueryClient
    from online_models.features import NAMES
    from serving.live_recommender import LiveRecommender
    from serving.publisher import KafkaPublisher
    from serving.served_impressions import ServedImpressions
    from serving.views.click_model import ClickModelView
    from serving.views.context_view import ContextView
    from serving.views.currency import Currency
    from serving.views.index_view import IndexView
    from serving.views.life import LifeLog
    from serving.views.pulses import Pulses
    from serving.views.redis_model import RedisReadModel, connect
    from serving.views.trained import TrainedView
    from serving.warm import warm_up

    names, keys = topics(settings), Keys(cluster, settings.prefix)
    reader, follower, writer = (connect(settings.redis) for _ in range(3))
    sizes = settings.partitions, settings.items_partitions
    model = RedisReadModel(reader, keys, *sizes, event_types(settings), follower=follower)
    life = LifeLog(writer, keys, settings.items_partitions, clock, spans(settings, "serving"))
    currency = Currency(places(settings), clock, model.age_s)
    trained, pulses = TrainedView(writer, keys, NAMES), Pulses(writer, keys, clock, currency.heard)
    clicked, contexts = ClickModelView(writer, keys), ContextView(writer, keys)
    index = IndexView(
        settings.bootstrap,
        names.item_vectors,
        settings.items_partitions,
        folder,
        indexed=life.indexed,
        reached=crash_points.from_environment(),
    )
    encoder = QueryClient(settings.encoder_url)
    recommender = LiveRecommender(
        model,
        index,
        encoder,
        clock=clock,
        blend=trained.blend,
        mf=trained.score,
        prepare=trained.prepare,
        figures=[index.figures, life.figures, trained.figures, clicked.figures, pulses.figures],
        click_weights=clicked.weights,
        served=life.recommended,
        staleness=currency.staleness_ms,
        house=house_of(settings),
        around=contexts.around,
    )
    publisher = KafkaPublisher(settings.bootstrap, names, decisions_share=settings.decisions, now_ms=clock)
    impressions = None
    if settings.impressions == "served":
        impressions = ServedImpressions(publisher.publish_interactions, clock)
        impressions.start()
    tasks = [asyncio.create_task(view.run()) for view in (model, index, life, trained, clicked, contexts, pulses)]
    connecting = asyncio.create_task(publisher.start())
    try:
        await asyncio.to_thread(warm_up)
        yield Parts(recommender, publisher, impressions)
    finally:
        await end(*tasks, connecting)
        if impressions is not None:
            await impressions.close()
        await life.flush()
        await publisher.close()
        await encoder.close()
        closing: list[Any] = [reader.aclose(), follower.aclose(), writer.aclose()]
        await asyncio.gather(*closing, return_exceptions=True)
