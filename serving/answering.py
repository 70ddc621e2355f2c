"""Answering a question, whichever door it came through: the list, then its record."""

from __future__ import annotations

import logging
from collections.abc import Callable

from recommender.query import Query, RecommendationList
from recommender.service import RecommenderService

log = logging.getLogger(__name__)

Decisions = Callable[[RecommendationList], None]
"""Where served lists go. It must not block; what it raises is logged, never answered."""


async def answer(service: RecommenderService, query: Query, decisions: Decisions | None) -> RecommendationList:
    """The list for a query; `decisions` is handed the same with the parts of its scores."""
    served = await service.recommend(query)
    if decisions is not None:
        try:
            decisions(served)
        except Exception:
            log.exception("a served list could not be recorded")
    return served.answered()
