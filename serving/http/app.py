"""The HTTP application, as a table of contents."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from fastapi import FastAPI

from recommender.event_types import EventTypes
from recommender.service import RecommenderService
from serving.answering import Decisions
from serving.http import events_in, health, items, lists, openapi, pages, users
from serving.http.bodies import Limits
from serving.http.door import Door
from serving.http.gate import Gate
from serving.http.unrouted import answer_unrouted
from serving.metrics import Metrics
from serving.publishing import Publishing


def create_app(
    service: RecommenderService,
    publisher: Publishing,
    *,
    metrics: Metrics | None = None,
    types: EventTypes | None = None,
    limits: Limits | None = None,
    decisions: Decisions | None = None,
    fresh_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> FastAPI:
    """The application over a service and a publisher, both started and stopped by the caller.

    Parameters
    ----------
    decisions
        Called with every list served; it must not block.
    fresh_id, now_ms
        Where ids and the wall clock (ms since 1970) come from, where a request brings none.
    """
    metrics, limits = metrics or Metrics(), limits or Limits()
    door = Door(service, publisher, metrics, types or EventTypes(), limits, decisions, fresh_id, now_ms)
    parts = [
        lists.router(door),
        items.router(door),
        users.router(door),
        events_in.router(door),
        health.router(door),
        openapi.router(),
        pages.router(),
    ]
    app = FastAPI(title=openapi.TITLE, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for part in parts:
        app.include_router(part)
    answer_unrouted(app, [route for part in parts for route in part.routes])
    app.add_middleware(Gate, metrics=metrics, limits=limits)
    return app
