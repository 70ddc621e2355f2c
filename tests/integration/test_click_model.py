"""Lists, impressions and choices through the worker's, the trainer's and serving's own code: the lists change."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import redis.asyncio

from online_models.state import pack
from recommender.decision import decision_of
from recommender.event_types import EventTypes
from recommender.events import Forget, Interaction, encode
from recommender.keys import Keys
from recommender.query import Query
from recommender.topics import Topics
from serving.views.click_model import ClickModelView
from streams.batch import Batch
from streams.intake import LogRecord
from streams.local_store import LocalStore
from streams.outbox import Example
from streams.redis_store import connect
from streams.stored_vectors import StoredVectors
from streams.trainer import Trainer
from streams.worker import example_of
from tests.unit.serving_views.planted import World

KEYS = Keys("c")
TYPES = EventTypes()
WANTED = {"sea3", "sea8", "sea13", "sky2", "sky7", "sky12"}
"""What everybody chooses wherever it is shown, and nothing else."""


async def eventually(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


class Site:
    """A world that serves, and a trainer that reads what it records."""

    def __init__(self, client: Any, view: ClickModelView, snapshot: Path) -> None:
        self.world = World(click_weights=view.weights)
        self.view = view
        self.published: dict[bytes, bytes] = {}
        self._client, self._snapshot = client, snapshot
        self.trainer = self.make()
        self.offsets = {"examples": 0, "decisions": 0}

    def make(self) -> Trainer:
        vectors = StoredVectors(self._client, KEYS, Topics())
        return Trainer(self._client, KEYS, vectors, self._publish, self._snapshot, publish_s=0.05)

    async def _publish(self, key: bytes, value: bytes) -> None:
        self.published[key] = value

    async def serve(self, visits: int, begin: int = 0) -> None:
        """Visits of many users: each asks for a list, says what was seen, and chooses what they want of it."""
        decisions, examples = [], []
        for visit in range(begin, begin + visits):
            user = f"u{visit % 40}"
            # Everything is shown some time: half of the catalogue is left out by chance.
            left_out = [f"{group}{n}" for group in ("sea", "sky") for n in range(20) if (n * 7 + visit) % 3 == 0]
            query = Query(
                user_id=user, request_id=f"r{visit}", exclude=left_out, repeat=True, context={"device": "phone"}
            )
            served = await self.world.service.recommend(query)
            decisions.append(msgspec.json.encode(decision_of(served, 1_000_000 + visit)))
            shown = [item.item_id for item in served.items]
            events = [Interaction(user, "impression", 5_000, items=shown, request_id=served.request_id)]
            events += [
                Interaction(user, "click", 5_000, item, f"{visit} {item}", request_id=served.request_id)
                for item in shown
                if item in WANTED
            ]
            examples += [example for each in events if (example := example_of(each, TYPES)) is not None]
        # Events may be read before the lists that they belong to.
        await self.trainer.take(self._batch("examples", [msgspec.json.encode(examples)]))
        await self.trainer.take_decisions(self._batch("decisions", decisions))

    def _batch(self, topic: str, values: list[bytes]) -> Batch:
        begin = self.offsets[topic]
        self.offsets[topic] = end = begin + len(values)
        return Batch(topic, 0, begin, end, [LogRecord(begin + n, None, value) for n, value in enumerate(values)])


async def test_what_is_chosen_rises_with_a_reason_and_a_version(embedded_store: LocalStore, tmp_path: Path) -> None:
    client: Any = connect(embedded_store.url)
    reader = redis.asyncio.Redis.from_url(embedded_store.url)
    site = Site(client, ClickModelView(reader, KEYS, after=30), tmp_path / "trainer.npz")
    query = Query(user_id="u0", n=20, explain=True, repeat=True)
    before = await site.world.service.recommend(query)
    assert before.versions.clicks == 0
    await site.trainer.start()
    try:
        await site.serve(300)
        version = site.trainer.shown.choices.model.version
        await eventually(lambda: b"click_model" in site.published)
        await eventually(lambda: msgspec.json.decode(client.get(KEYS.trainer("click_model")))["version"] == version)
        await site.view.follow()
        after = await site.world.service.recommend(query)
        assert after.versions.clicks == version
        assert site.view.figures()["click_model"]["choices"] > 30

        def ranks(served: Any) -> list[int]:
            return [place for place, item in enumerate(served.items) if item.item_id in WANTED]

        assert ranks(after)[2] < ranks(before)[0]
        for item in after.items:
            reasons = {reason.part: reason.score for reason in item.reasons or ()}
            assert abs(sum(reasons.values()) - item.score) < 1e-6
            assert "click_model" in reasons

        # The trainer dies and another goes on where its snapshot ends: to the same bits, without the lists again.
        await site.trainer.stop()
        kept = site.trainer.shown.state_dict()
        site.trainer = site.make()
        await site.trainer.start()
        assert pack(site.trainer.shown.state_dict()) == pack(kept)
        again = [LogRecord(n, None, b"read before") for n in range(300)]
        await site.trainer.take_decisions(Batch("decisions", 0, 0, 300, again))
        assert pack(site.trainer.shown.state_dict()) == pack(kept)

        # A forgotten user's lists are gone, and a choice that comes late teaches nothing.
        await site.serve(40, begin=300)
        record = LogRecord(0, b"u0", encode(Forget("u0", 2_000_000)))
        await site.trainer.forget(Batch("forgets", 0, 0, 1, [record]))
        assert all(held.user != "u0" for held in site.trainer.shown.choices.lists.values())
        count = site.trainer.shown.choices.count
        late = Example("u0", "sea3", 3.0, "purchase", 3_000_000, "late", "r320")
        await site.trainer.take(site._batch("examples", [msgspec.json.encode([late])]))
        assert site.trainer.shown.choices.count == count
    finally:
        await site.trainer.stop()
        await reader.aclose()
        client.close()


async def test_without_request_ids_nothing_is_published_and_lists_stay_the_blends(
    embedded_store: LocalStore, tmp_path: Path
) -> None:
    client: Any = connect(embedded_store.url)
    reader = redis.asyncio.Redis.from_url(embedded_store.url)
    site = Site(client, ClickModelView(reader, KEYS, after=1), tmp_path / "trainer.npz")
    await site.trainer.start()
    try:
        served = await site.world.service.recommend(Query(user_id="u0", request_id="r0"))
        await site.trainer.take_decisions(site._batch("decisions", [msgspec.json.encode(decision_of(served, 1))]))
        examples = [Example("u0", item.item_id, 1.0, "click", 5_000 + n) for n, item in enumerate(served.items)]
        await site.trainer.take(site._batch("examples", [msgspec.json.encode(examples)]))
        await eventually(lambda: b"default" in site.published and client.exists(KEYS.trainer("weights")) == 1)
        assert b"click_model" not in site.published
        assert not client.exists(KEYS.trainer("click_model"))
        await site.view.follow()
        again = await site.world.service.recommend(Query(user_id="u0", request_id="r0"))
        assert [(i.item_id, i.score) for i in again.items] == [(i.item_id, i.score) for i in served.items]
    finally:
        await site.trainer.stop()
        await reader.aclose()
        client.close()
