"""Events in: checked as a whole, then written to the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from recommender.events import MAX_ENVELOPE, Interaction, Item, Profile, decode_interaction, decode_item, decode_profile
from recommender.query import Unavailable
from recommender.reasons import BadEventError
from serving.http import openapi
from serving.http.answers import json_answer
from serving.http.bodies import read_body
from serving.http.direct import direct_router
from serving.http.door import Door
from serving.http.problem import Problem
from serving.publishing import Written
from serving.question import unreadable

E = TypeVar("E", Interaction, Item, Profile)

_MANY = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()


def router(door: Door) -> APIRouter:
    """The routes of this noun."""
    routes = direct_router(tags=["events"])

    async def accept(
        request: Request,
        decode: Callable[[bytes], E],
        publish: Callable[[Sequence[E]], Awaitable[list[Written]]],
        identity: Callable[[E], str | None],
        fill: Callable[[], dict[str, Any]],
    ) -> Response:
        events = check_all(elements(await read_body(request, door.limits)), decode, fill)
        ids = [identity(event) for event in events]
        try:
            written = await publish(events)
        except Unavailable as error:
            # Some may have been written: whoever sends them again under these ids repeats nothing.
            raise Problem(
                "unavailable", str(error), headers={"Retry-After": str(error.retry_after_s)}, ids=ids
            ) from None
        return json_answer({"ids": ids, "written": [place._asdict() for place in written]}, 202)

    @routes.post("/v1/events", **_operation("Interactions", "Interactions"))
    async def events(request: Request) -> Response:
        def decode(body: bytes) -> Interaction:
            event = decode_interaction(body)
            if event.type not in door.types:
                raise BadEventError("unknown_type", f"type is none of {', '.join(door.types.names)}")
            return event

        def fill() -> dict[str, Any]:
            return {"event_id": door.fresh_id(), "timestamp": door.now_ms()}

        return await accept(request, decode, door.publisher.publish_interactions, lambda event: event.event_id, fill)

    @routes.post("/v1/items", **_operation("Items to recommend", "ItemsIn"))
    async def items(request: Request) -> Response:
        return await accept(request, decode_item, door.publisher.publish_items, lambda item: item.item_id, now)

    @routes.post("/v1/profiles", **_operation("What users say of themselves", "Profiles"))
    async def profiles(request: Request) -> Response:
        publish = door.publisher.publish_profiles
        return await accept(request, decode_profile, publish, lambda profile: profile.user_id, now)

    def now() -> dict[str, Any]:
        return {"timestamp": door.now_ms()}

    return routes


def elements(body: bytes) -> list[msgspec.Raw]:
    """The events of a body, one or a list, not decoded yet; raises `Problem` (400, 422)."""
    try:
        body.decode()
        raw = _MANY.decode(body) if body.lstrip()[:1] == b"[" else [msgspec.json.decode(body, type=msgspec.Raw)]
    except (ValueError, RecursionError) as error:
        raise unreadable(error) from None
    if not raw:
        raise _refused([(0, BadEventError("empty", "a list without events"))])
    if len(raw) > MAX_ENVELOPE:
        detail = f"a list holds at most {MAX_ENVELOPE} events, got {len(raw)}"
        raise _refused([(MAX_ENVELOPE, BadEventError("too_large", detail))])
    return raw


def check_all(raw: Sequence[msgspec.Raw], decode: Callable[[bytes], E], fill: Callable[[], dict[str, Any]]) -> list[E]:
    """The checked events, completed by `fill` where a field is absent or null; raises `Problem` with every bad one."""
    good: list[E] = []
    bad: list[tuple[int, BadEventError]] = []
    for index, element in enumerate(raw):
        try:
            good.append(decode(_filled(element, fill)))
        except BadEventError as error:
            bad.append((index, error))
    if bad:
        raise _refused(bad)
    return good


def _filled(element: msgspec.Raw, fill: Callable[[], dict[str, Any]]) -> bytes:
    try:
        fields = _ANY.decode(element)
    except msgspec.ValidationError as error:
        raise BadEventError("wrong_type", str(error)) from None
    except (ValueError, RecursionError) as error:
        raise unreadable(error) from None
    if not isinstance(fields, dict):
        return bytes(element)  # the decoder says what was expected
    for name, value in fill().items():
        if fields.get(name) is None:
            fields[name] = value
    try:
        return msgspec.json.encode(fields)
    except (OverflowError, ValueError) as error:
        raise BadEventError("wrong_type", str(error)) from None


def _refused(bad: Sequence[tuple[int, BadEventError]]) -> Problem:
    first, error = bad[0]
    more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    errors = [{"index": index, "reason": each.reason, "detail": each.detail} for index, each in bad]
    return Problem("bad-events", f"nothing was written: event {first}: {error.detail}{more}", errors=errors)


def _operation(summary: str, body: str) -> dict[str, Any]:
    return openapi.operation(f"{summary}: one or up to {MAX_ENVELOPE}", body=body, answer="Accepted", status=202)
