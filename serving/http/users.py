"""Users: their portrait, all that is held of them, and being forgotten."""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from recommender.events import Forget
from recommender.query import UnknownId
from recommender.read_model import Forgetting
from serving.http import openapi
from serving.http.answers import json_answer
from serving.http.direct import direct_router
from serving.http.door import Door
from serving.http.path_ids import path_id

log = logging.getLogger(__name__)

_RECEIPT = re.compile(r"([0-9]{1,6})-([0-9]{1,18})")


def router(door: Door) -> APIRouter:
    """The routes of this noun."""
    routes = direct_router(tags=["users"])

    @routes.get(
        "/v1/users/{user_id}",
        **openapi.operation("A user's interests and history", path="user_id", answer="Portrait", unknown=True),
    )
    async def portrait(request: Request) -> Response:
        return json_answer(await door.service.user(path_id(request, "user_id")))

    @routes.get(
        "/v1/users/{user_id}/export",
        **openapi.operation("All that is held of a user", path="user_id", answer="Export", unknown=True),
    )
    async def export(request: Request) -> Response:
        return json_answer(await door.service.export(path_id(request, "user_id")))

    @routes.delete(
        "/v1/users/{user_id}",
        **openapi.operation("Forget a user", path="user_id", answer="Receipt", status=202),
    )
    async def forget(request: Request) -> Response:
        user_id = path_id(request, "user_id")
        event = Forget(user_id, door.now_ms())
        written = await door.publisher.publish_forget(event)
        receipt = f"{written.partition}-{written.offset}"
        log.info("a forget was accepted as %s", receipt)
        answer = {"receipt": receipt, "user_id": user_id, "timestamp": event.timestamp}
        return json_answer(answer, 202, {"Location": f"/v1/forgets/{quote(receipt)}"})

    @routes.get(
        "/v1/forgets/{receipt}",
        **openapi.operation("How far a forget has come", path="receipt", answer="Forgetting", unknown=True),
    )
    async def progress(request: Request) -> Response:
        receipt = path_id(request, "receipt")
        if (found := _RECEIPT.fullmatch(receipt)) is None:
            raise UnknownId("no forget has this receipt")
        return json_answer({"receipt": receipt, **told(int(found[2]), await door.service.forgetting(int(found[1])))})

    return routes


def told(offset: int, now: Forgetting) -> dict[str, Any]:
    """How far the forget at an offset of `forgets` has come, in words and as a share.

    >>> told(7, Forgetting(erased=8, files=8, unlearned=7, done=50, total=200))
    {'state': 'erased', 'progress': 0.25, 'files_rewritten': True}
    """
    answer: dict[str, Any] = {"state": "accepted", "progress": 0.0, "files_rewritten": now.files > offset}
    if now.unlearned > offset:
        return {**answer, "state": "done", "progress": 1.0}
    if now.erased > offset:
        answer["state"] = "erased"
        answer["progress"] = round(now.done / now.total, 3) if now.total else 0.0
        if now.gap:
            answer.update(state="kept_in_counts", detail=f"the log no longer reaches back: {now.gap}")
    return answer
