"""A recommender in a dict, with its log: whoever only needs a `RecommenderService` and a `Publishing` takes these two.

It learns like the real one: an event that was published is in the lists a moment later, and the
position moves with it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from recommender.events import Forget, Interaction, Item, Profile
from recommender.partitioning import partition_of
from recommender.query import LeftOut, Query, Reason, Recommendation, RecommendationList, Unavailable, UnknownId
from recommender.read_model import Forgetting
from serving.publishing import Written
from tests.unit.fakes.catalogue import TITLES
from tests.unit.fakes.quality import QUALITY

PARTITIONS = 4
BARRED = {"click": "seen", "like": "seen", "purchase": "seen", "dislike": "disliked", "hide": "hidden"}


class FakeRecommender:
    """Items score by their category's likes; `away` makes every call `Unavailable`, `broken` makes it fail."""

    def __init__(self) -> None:
        self.titles = dict(TITLES)
        self.history: dict[str, list[Interaction]] = {}
        self.position = [100, 200, 300, 400]
        self.forgets = [Forgetting() for _ in range(PARTITIONS)]
        self.queries: list[Query] = []
        self.away = ""
        self.broken = False
        self.stale_ms = 0
        self.started = time.time()
        self.quality = QUALITY

    def learn(self, event: Interaction) -> None:
        self.history.setdefault(event.user_id, []).append(event)
        self.position[partition_of(event.user_id, PARTITIONS)] += 1

    def _check(self, item_id: str | None = None, user_id: str | None = None) -> None:
        if self.broken:
            raise RuntimeError("secret inside")
        if self.away:
            raise Unavailable(self.away, 2)
        if item_id is not None and item_id not in self.titles:
            raise UnknownId(f"item {item_id!r} is not known")
        if user_id is not None and user_id not in self.history:
            raise UnknownId(f"user {user_id!r} is not known")

    async def recommend(self, query: Query) -> RecommendationList:
        self._check()
        self.queries.append(query)
        events = self.history.get(query.user_id or "", [])
        barred = {event.item_id: BARRED[event.type] for event in events if event.type in BARRED}
        barred.update(dict.fromkeys(query.exclude, "excluded"))
        liked = [event.item_id for event in events if event.item_id in self.titles and event.type in ("click", "like")]
        items, left_out = [], []
        for rank, (item_id, (title, categories)) in enumerate(self.titles.items()):
            if item_id in barred:
                left_out.append(LeftOut(item_id, barred[item_id]))
                continue
            if query.filters.category and query.filters.category not in categories:
                continue
            reasons = [Reason("popularity", round(1 / (rank + 2), 4))]
            near = [each for each in liked if each and set(self.titles[each][1]) & set(categories)]
            if near:
                reasons.append(Reason("covisit", round(0.6 * len(near), 4), near[-3:]))
            if query.text:
                wanted = "Sci-Fi" in categories and any(word in query.text for word in ("科幻", "space", "sci"))
                reasons.append(Reason("content", 1.5 if wanted else 0.05))
            score = sum(reason.score for reason in reasons)
            explained = reasons if query.explain else None
            items.append(Recommendation(item_id, title, score, [reason.part for reason in reasons], explained))
        items.sort(key=lambda item: (-item.score, item.item_id))
        position = {"interactions": list(self.position)}
        known = query.request_id or "none"
        return RecommendationList(
            known,
            query.user_id,
            1.4,
            position,
            items[: query.n],
            left_out if query.explain else None,
            self.stale_ms,
        )

    async def similar(self, item_id: str, n: int) -> list[Recommendation]:
        self._check(item_id)
        return [item for item in await self._top(n + 1) if item.item_id != item_id][:n]

    async def audience(self, item_id: str, n: int) -> list[tuple[str, float]]:
        self._check(item_id)
        return [(user_id, 1.0) for user_id in list(self.history)[:n]]

    async def trending(
        self, n: int, category: str | None = None, domain: str | None = None, window_ms: int = 86_400_000
    ) -> list[Recommendation]:
        self._check()
        return (await self._top(n + 3))[3:]

    async def _top(self, n: int) -> list[Recommendation]:
        items = list(self.titles.items())[:n]
        return [Recommendation(key, title, 9.0 - at, ["popularity"]) for at, (key, (title, _)) in enumerate(items)]

    async def item(self, item_id: str) -> dict[str, Any]:
        self._check(item_id)
        counts = Counter(event.type for events in self.history.values() for event in events if event.item_id == item_id)
        title, categories = self.titles[item_id]
        return {
            "item_id": item_id,
            "title": title,
            "categories": categories,
            "life": {"arrived": 1, "encoded": 2, "indexed": 3, "first_recommended": None},
            "counts": dict(counts),
        }

    async def user(self, user_id: str) -> dict[str, Any]:
        self._check(user_id=user_id)
        history = [{"item_id": e.item_id, "type": e.type, "timestamp": e.timestamp} for e in self.history[user_id]]
        return {"user_id": user_id, "interests": [], "history": history}

    async def export(self, user_id: str) -> dict[str, Any]:
        return await self.user(user_id)

    async def forgetting(self, partition: int) -> Forgetting:
        if partition >= PARTITIONS:
            raise UnknownId(f"there is no partition {partition}")
        return self.forgets[partition]

    async def status(self) -> dict[str, Any]:
        self._check()
        now = int(time.time() * 1000)
        applied = sum(self.position)
        life = {"arrived": now - 42_000, "encoded": now - 41_300, "indexed": now - 41_280, "first_recommended": None}
        bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25]
        return {
            "applied": applied,
            "duplicates": 12,
            "dead_letters": {"not_json": 3, "bad_id": 1},
            "events_per_s": 512.4,
            "lag": 7,
            "position": {"interactions": list(self.position), "forgets": [each.erased for each in self.forgets]},
            "event_to_state": {"bounds": bounds, "counts": [5, 40, 30, 10, 4, 1, 0], "sum": 1.5},
            "item_to_searchable": {"bounds": bounds, "counts": [0, 0, 0, 2, 7, 1, 0], "sum": 1.1},
            "users": 70_122,
            "items": len(self.titles),
            "index_size": len(self.titles) - 1,
            "quality": self.quality,
            "newest": [
                {
                    "item_id": item_id,
                    "title": self.titles[item_id][0],
                    "life": {**life, "first_recommended": now - 40_900 if step else None},
                }
                for step, item_id in enumerate(("i5", "i9", "i15", "i11"))
            ]
            + [{"item_id": "i18", "title": self.titles["i18"][0], "life": {"arrived": now - 300, "encoded": None}}],
            "known_users": ["u1", "u2", "读者七"],
            "versions": {"weights": 12, "index": "use-v3"},
        }

    def staleness_ms(self) -> int:
        return self.stale_ms

    def ready(self) -> tuple[bool, str]:
        return (not self.away, self.away)


class FakePublisher:
    """Keeps what was published, and tells a `FakeRecommender` of interactions `delay_s` later."""

    def __init__(self, service: FakeRecommender | None = None, delay_s: float = 0.0) -> None:
        self.service = service
        self.delay_s = delay_s
        self.written: list[tuple[str, Any]] = []
        self.away = False

    def _write(self, topic: str, key: str, event: Any) -> Written:
        if self.away:
            raise Unavailable("Kafka is not reachable", 2)
        self.written.append((topic, event))
        return Written(partition_of(key, PARTITIONS), len(self.written) - 1)

    async def publish_interactions(self, events: Sequence[Interaction]) -> list[Written]:
        places = []
        for event in events:
            place = self._write("interactions", event.user_id, event)
            if self.service is not None:
                place = Written(place.partition, self.service.position[place.partition])
                asyncio.get_running_loop().call_later(self.delay_s, self.service.learn, event)
            places.append(place)
        return places

    async def publish_items(self, events: Sequence[Item]) -> list[Written]:
        return [self._write("items", event.item_id, event) for event in events]

    async def publish_profiles(self, events: Sequence[Profile]) -> list[Written]:
        return [self._write("profiles", event.user_id, event) for event in events]

    async def publish_forget(self, event: Forget) -> Written:
        return self._write("forgets", event.user_id, event)

    async def remove_item(self, item_id: str) -> Written:
        return self._write("items", item_id, None)
