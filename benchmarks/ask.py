"""Questions to a running system, asked again until the answer is there."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

Answer = dict[str, Any]


class Http:
    """An HTTP connection pool whose answers are JSON; what is no answer (503, 404) is an empty object."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(self, path: str) -> Answer:
        async with self._session.get(self._url + path) as answer:
            return await _object(answer)

    async def post(self, path: str, body: Any) -> Answer:
        async with self._session.post(self._url + path, json=body) as answer:
            return await _object(answer)

    async def recommended(self, user_id: str, more: str = "") -> Answer:
        return await self.get(f"/v1/users/{quote(user_id, safe='')}/recommendations?n=10{more}")

    async def similar(self, item_id: str) -> Answer:
        return await self.get(f"/v1/items/{quote(item_id, safe='')}/similar?n=10")


async def _object(answer: aiohttp.ClientResponse) -> Answer:
    return dict(await answer.json()) if answer.status < 300 else {}


def ids(answer: Answer) -> list[str]:
    """The items of a list."""
    return [item["item_id"] for item in answer.get("items", ())]


async def until(done: Callable[[], Awaitable[bool]], every_s: float, limit_s: float, began: float) -> float:
    """Seconds from `began` (time.monotonic) until `done` said yes; `limit_s` where it never did.

    The first question comes within a random part of the interval, so that no phase of the system is preferred.
    """
    await asyncio.sleep(random.random() * every_s)
    while (now := time.monotonic() - began) < limit_s:
        if await done():
            return time.monotonic() - began
        await asyncio.sleep(max(0.0, every_s - (time.monotonic() - began - now)))
    return limit_s


class Lateness:
    """How late this process itself was, at most: a stall of the measuring is not one of what is measured."""

    def __init__(self) -> None:
        self.latest_s = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            self.latest_s = max(self.latest_s, time.monotonic() - began - 0.01)
