"""Lists: for a user, for a text, for a history, and what is rising."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from recommender.query import Cap, Count, Dial, Filters, Query, RecommendationList
from serving.http import openapi
from serving.http.answers import json_answer
from serving.http.bodies import read_body
from serving.http.direct import direct_router
from serving.http.door import Door
from serving.http.path_ids import path_id
from serving.http.problem import wrong_value
from serving.http.query_params import Params
from serving.question import check_query, decode_body, decode_query

_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WINDOW = r"^[1-9][0-9]{0,4}[mhd]$"


class ListParams(msgspec.Struct, frozen=True):
    """Parameters of a user's list."""

    n: Count = 10
    category: str | None = None
    domain: str | None = None
    language: str | None = None
    max_age_s: Annotated[int, msgspec.Meta(ge=1)] | None = None
    exclude: Annotated[list[str], msgspec.Meta(max_length=1000, description="Item ids; repeat it for more.")] = []
    diversity: Dial = 0.0
    calibration: Dial = 0.0
    fatigue: Dial | None = None
    shown: Annotated[list[str], msgspec.Meta(max_length=1000, description="Items of the list before; repeat it.")] = []
    max_per_category: Cap | None = None
    strategy: str = "default"
    repeat: Annotated[bool, msgspec.Meta(description="Also items that the user has chosen before.")] = False
    explain: Annotated[bool, msgspec.Meta(description="Reasons that add up to each score, and what was left out.")] = (
        False
    )


class TrendingParams(msgspec.Struct, frozen=True):
    """Parameters of what is rising."""

    n: Count = 10
    category: str | None = None
    domain: str | None = None
    window: Annotated[str, msgspec.Meta(pattern=_WINDOW, description="Minutes, hours or days: 90m, 24h, 7d.")] = "24h"


class Wish(msgspec.Struct, frozen=True):
    """The body of `POST /recommend`: what somebody likes, in their own words."""

    input: Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)]


def router(door: Door) -> APIRouter:
    """The routes of this noun."""
    routes = direct_router(tags=["lists"])
    list_params, trending_params = Params(ListParams), Params(TrendingParams)

    @routes.get(
        "/v1/users/{user_id}/recommendations",
        **openapi.operation("A list for a user, known or not", path="user_id", query=ListParams, answer="List"),
    )
    async def user_recommendations(request: Request) -> Response:
        user_id = path_id(request, "user_id")
        asked = list_params.read(request.scope["query_string"])
        filters = Filters(asked.category, asked.domain, asked.language, asked.max_age_s)
        query = Query(
            user_id=user_id,
            n=asked.n,
            filters=filters,
            exclude=asked.exclude,
            diversity=asked.diversity,
            calibration=asked.calibration,
            fatigue=asked.fatigue,
            shown=asked.shown,
            max_per_category=asked.max_per_category,
            strategy=asked.strategy,
            repeat=asked.repeat,
            explain=asked.explain,
        )
        return json_answer(await door.answer(check_query(query, door.fresh_id)))

    @routes.post(
        "/v1/recommendations",
        **openapi.operation("A list for a user, a text, a history, or nobody", body="Query", answer="List"),
    )
    async def recommendations(request: Request) -> Response:
        query = decode_query(await read_body(request, door.limits), door.fresh_id)
        return json_answer(await door.answer(query))

    @routes.post("/recommend", **openapi.operation("Five titles for a text", body="Wish", answer="Titles"))
    async def recommend(request: Request) -> Response:
        text = decode_body(await read_body(request, door.limits), Wish).input
        if not text.strip():
            raise wrong_value("input", "some text is expected")
        served = await door.answer(Query(text=text, n=5, request_id=door.fresh_id()))
        return json_answer(
            {"recommendations": titles(served), "items": served.items, "staleness_ms": served.staleness_ms}
        )

    @routes.get("/v1/trending", **openapi.operation("What is rising", query=TrendingParams, answer="Items"))
    async def trending(request: Request) -> Response:
        asked = trending_params.read(request.scope["query_string"])
        stale = door.service.staleness_ms()
        items = await door.service.trending(asked.n, asked.category, asked.domain, window_ms(asked.window))
        return json_answer({"items": items, "staleness_ms": stale})

    return routes


def titles(served: RecommendationList) -> list[str]:
    """The titles of a list; an item without one is named by its id."""
    return [item.title or item.item_id for item in served.items]


def window_ms(window: str) -> int:
    """The length of a window like ``90m``, ``24h`` or ``7d`` in ms; raises `Problem` (422)."""
    if not re.fullmatch(_WINDOW[1:-1], window):
        raise wrong_value("window", "minutes, hours or days are expected, like 90m, 24h or 7d")
    return int(window[:-1]) * _UNITS_MS[window[-1]]
