"""Items: what they are, what is near them, who may want them, and their removal."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from recommender.query import Count
from serving.http import openapi
from serving.http.answers import json_answer
from serving.http.direct import direct_router
from serving.http.door import Door
from serving.http.path_ids import path_id
from serving.http.query_params import Params


class CountParams(msgspec.Struct, frozen=True):
    """How many."""

    n: Count = 10


def router(door: Door) -> APIRouter:
    """The routes of this noun."""
    routes = direct_router(tags=["items"])
    params = Params(CountParams)

    @routes.get(
        "/v1/items/{item_id}/similar",
        **openapi.operation(
            "Nearest by behaviour and by content", path="item_id", query=CountParams, answer="Items", unknown=True
        ),
    )
    async def similar(request: Request) -> Response:
        item_id = path_id(request, "item_id")
        asked = params.read(request.scope["query_string"])
        stale = door.service.staleness_ms()
        return json_answer({"items": await door.service.similar(item_id, asked.n), "staleness_ms": stale})

    @routes.get(
        "/v1/items/{item_id}/audience",
        **openapi.operation(
            "Who would most likely want it", path="item_id", query=CountParams, answer="Audience", unknown=True
        ),
    )
    async def audience(request: Request) -> Response:
        item_id = path_id(request, "item_id")
        asked = params.read(request.scope["query_string"])
        stale = door.service.staleness_ms()
        users = await door.service.audience(item_id, asked.n)
        told = [{"user_id": user_id, "score": score} for user_id, score in users]
        return json_answer({"users": told, "staleness_ms": stale})

    @routes.get(
        "/v1/items/{item_id}",
        **openapi.operation("An item, its life and its counts", path="item_id", answer="ItemState", unknown=True),
    )
    async def item(request: Request) -> Response:
        return json_answer(await door.service.item(path_id(request, "item_id")))

    @routes.delete(
        "/v1/items/{item_id}",
        **openapi.operation("Withdraw an item", path="item_id", answer="Removed", status=202),
    )
    async def remove(request: Request) -> Response:
        # Not a 404 for the unknown: an item that was accepted a moment ago must be removable before it is known here.
        item_id = path_id(request, "item_id")
        await door.publisher.remove_item(item_id)
        return json_answer({"item_id": item_id}, 202)

    return routes
