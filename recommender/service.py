"""What serving offers, whichever door a question comes through (HTTP, Kafka, Python)."""

from __future__ import annotations

from typing import Any, Protocol

from recommender.query import Query, Recommendation, RecommendationList
from recommender.read_model import Forgetting


class RecommenderService(Protocol):
    """The recommender as its doors see it.

    Every call may raise `Unavailable` (503); `UnknownId` (404) where said. No call changes
    anything that was learned.
    """

    async def recommend(self, query: Query) -> RecommendationList:
        """A list for a user, a text, a history, or nobody in particular."""
        ...

    async def similar(self, item_id: str, n: int) -> list[Recommendation]:
        """Nearest by behaviour and by content; `UnknownId` for an item that was neither announced nor used."""
        ...

    async def audience(self, item_id: str, n: int) -> list[tuple[str, float]]:
        """Users who would most likely want an item, with scores; `UnknownId`."""
        ...

    async def trending(
        self, n: int, category: str | None = None, domain: str | None = None, window_ms: int = 86_400_000
    ) -> list[Recommendation]:
        """What is rising in a window of event time."""
        ...

    async def item(self, item_id: str) -> dict[str, Any]:
        """The item with `life` and `counts`; `UnknownId`."""
        ...

    async def user(self, user_id: str) -> dict[str, Any]:
        """A user's interests and history; `UnknownId`."""
        ...

    async def export(self, user_id: str) -> dict[str, Any]:
        """All that is held of a user; `UnknownId`."""
        ...

    async def forgetting(self, partition: int) -> Forgetting:
        """How far the forgets of a partition have come; `UnknownId` for one that is not there."""
        ...

    async def status(self) -> dict[str, Any]:
        """Figures for the page: rates, lag, freshness, sizes, quality, versions."""
        ...

    def staleness_ms(self) -> int:
        """How old the state behind an answer may be, ms; 0 when current."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether questions can be answered, and if not, why."""
        ...
