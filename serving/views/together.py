"""Several readers' questions to Redis in round trips that they share.

A reader is a generator: it yields what it asks, and is sent the answers. A round trip costs the processor some
0.25 ms, a question in it some hundredth.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import AsyncExitStack
from typing import Any, Protocol

from serving.views.stream_ids import Gap

Ask = Callable[[Any], None]
"""Puts questions into a pipeline."""
Page = Generator[Ask, list[Any], bool]
"""A page of changes on its way; returns whether there may be more."""


class Follower(Protocol):
    """A partition as its reader follows it."""

    loaded: bool
    following: asyncio.Lock

    def page(self) -> Page: ...
    async def load(self, client: Any) -> None: ...


async def follow_all(client: Any, views: Sequence[Follower], caught_up: Callable[[], None]) -> None:
    """Take in what changed; a view for which that is not enough is loaded whole. Raises redis' errors.

    `caught_up` is called when a page was taken in, before anything else can look.
    """
    async with AsyncExitStack() as stack:
        for view in views:
            await stack.enter_async_context(view.following)
        following = [view for view in views if view.loaded]
        lost = [view for view in views if not view.loaded]
        while following:
            more, gaps = await _together(client, following, caught_up)
            lost += gaps
            following = more
        for view in lost:
            await view.load(client)


async def _together(
    client: Any, views: Sequence[Follower], caught_up: Callable[[], None]
) -> tuple[list[Follower], list[Follower]]:
    """One page of each, side by side; returns those that have more, and those that may have missed something."""
    more: list[Follower] = []
    gaps: list[Follower] = []
    turns: list[tuple[Follower, Page, Any]] = [(view, view.page(), None) for view in views]
    while turns:
        asked: list[tuple[Follower, Page, slice]] = []
        async with client.pipeline(transaction=True) as pipe:
            for view, page, answers in turns:
                begin = len(pipe)
                try:
                    page.send(answers)(pipe)
                except StopIteration as end:
                    more += [view] if end.value else []
                except Gap:
                    gaps.append(view)
                else:
                    asked.append((view, page, slice(begin, len(pipe))))
            caught_up()
            found = await pipe.execute() if asked else []
        turns = [(view, page, found[part]) for view, page, part in asked]
    return more, gaps
