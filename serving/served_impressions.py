"""Served lists as impressions: for clients that do not tell what they showed, every list served counts as shown.

It comes back as an event, in the log like any other, to be replayed and forgotten: a reader writes no state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from recommender.events import Interaction
from recommender.query import RecommendationList, Served
from serving.decision_queue import DecisionQueue


class ServedImpressions:
    """Sends an impression for each list served to a user who has a history, in the background.

    Of anybody else a question leaves no trace. What can't be written is dropped: a list or two less varied.

    Parameters
    ----------
    publish
        Writes interactions.
    now_ms
        Their time.
    """

    def __init__(self, publish: Callable[[Sequence[Interaction]], Awaitable[Any]], now_ms: Callable[[], int]) -> None:
        self._publish = publish
        self._now_ms = now_ms
        self._queue = DecisionQueue(self._write)

    def start(self) -> None:
        """Begin to write."""
        self._queue.start()

    async def close(self) -> None:
        """Write what is left, for a moment, and stop."""
        await self._queue.close()

    def offer(self, served: RecommendationList) -> None:
        """Take a list that is served; never waits, never fails."""
        if isinstance(served, Served) and served.known and served.items:
            self._queue.offer(served)

    async def _write(self, served: Sequence[RecommendationList]) -> None:
        now = self._now_ms()
        await self._publish(
            [
                Interaction(
                    each.user_id,
                    "impression",
                    now,
                    items=[item.item_id for item in each.items],
                    event_id=_event_id(each.request_id),
                    request_id=each.request_id,
                )
                for each in served
                if each.user_id is not None
            ]
        )


def _event_id(request_id: str) -> str:
    """One list is one impression, however often it is sent; a request_id may be as long as an id can be."""
    return f"served-{hashlib.blake2b(request_id.encode(), digest_size=16).hexdigest()}"
