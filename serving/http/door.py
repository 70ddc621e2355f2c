"""What every route is given: the service, the log, the limits, and where ids and time come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recommender.event_types import EventTypes
from recommender.query import Query, RecommendationList
from recommender.service import RecommenderService
from serving.answering import Decisions, answer
from serving.http.bodies import Limits
from serving.metrics import Metrics
from serving.publishing import Publishing


@dataclass(frozen=True, slots=True)
class Door:
    """The parts that the routes share."""

    service: RecommenderService
    publisher: Publishing
    metrics: Metrics
    types: EventTypes
    limits: Limits
    decisions: Decisions | None
    fresh_id: Callable[[], str]
    now_ms: Callable[[], int]

    async def answer(self, query: Query) -> RecommendationList:
        """The list for a query; it is recorded as served."""
        return await answer(self.service, query, self.decisions)
