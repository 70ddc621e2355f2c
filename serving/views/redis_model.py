"""The read model of a running system: views over Redis, kept fresh by its `changes` streams."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from online_models.item_stats import stats_dtype
from online_models.kernels import HALF_LIVES_MS, SCALE
from recommender.catalogue import Catalogue
from recommender.counts import ItemCounts
from recommender.event_types import EventTypes
from recommender.keys import Keys
from recommender.leaving import Leaving
from recommender.numbering import Array, Numbering
from recommender.query import Unavailable
from recommender.read_model import Forgetting, UserState
from serving.views.forgetting import read_forgetting
from serving.views.item_view import ItemView
from serving.views.life import read_lives
from serving.views.reads import Reads
from serving.views.row_cache import RowCache
from serving.views.together import follow_all
from serving.views.translate import exported
from serving.views.user_view import LOST, UserView

log = logging.getLogger(__name__)

PAUSE_S: Final = 0.05
"""Between two looks at the streams, so that a busy stream's batches are taken in together."""
ASKED_S: Final = 2.0
"""Nobody has asked for so long: then"""
REST_S: Final = 0.5
"""the streams are looked at this often, and when somebody asks."""
CHECK_S: Final = 1.0
"""How often all heads are looked at, changes or not: only they tell of a store that lost its end."""
RETRY_S: Final = 0.2
RATE_S: Final = 10.0
CONNECTIONS: Final = 32
WAIT_S: Final = 20.0
KNOWN_S: Final = 10.0
"""While the store is away, answers are made from what is known of it for so long; then there are none."""


def connect(url: str, timeout_s: float = 5.0) -> redis.Redis:
    """A client for a reader: what fails is asked again by whoever needs it, not by the library.

    Questions that come at once share its connections, waiting for one where there is none.
    """
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=WAIT_S,
        socket_timeout=timeout_s,
        socket_connect_timeout=2.0,
        retry=Retry(NoBackoff(), 0),
    )
    return redis.Redis.from_pool(pool)


class RedisReadModel:
    """`ReadModel` over Redis. `run` must be running; until the first load is done, answers are `Unavailable`.

    Parameters
    ----------
    client
        An asyncio client with bytes for answers (see `connect`).
    keys, partitions, item_partitions, types
        As the workers have them.
    timer
        A monotonic clock in seconds.
    follower
        A client of its own for following the changes, which must not wait while many questions do; None: `client`.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        partitions: int,
        item_partitions: int,
        types: EventTypes | None = None,
        rows: RowCache | None = None,
        timer: Callable[[], float] = time.monotonic,
        follower: redis.Redis | None = None,
    ) -> None:
        # redis-py's types say "awaitable or not"; these clients are the awaitable ones.
        self._client: Any = client
        self._follower: Any = client if follower is None else follower
        self._keys = keys
        self._timer = timer
        self.types = types or EventTypes()
        self.numbering = Numbering()
        self.catalogue = Catalogue(self.numbering)
        self.counts = ItemCounts(partitions, stats_dtype(len(self.types.names)), SCALE, HALF_LIVES_MS)
        self._leaving = Leaving(self.catalogue, self.counts.partitions)
        self._rows = RowCache() if rows is None else rows  # an empty one is false
        self._users = [
            UserView(partition, keys.users(partition), self.types, self.numbering, self.counts, self._rows)
            for partition in range(partitions)
        ]
        self._items = [
            ItemView(partition, item_partitions, keys.items(partition), self.catalogue)
            for partition in range(item_partitions)
        ]
        self._reads = Reads(client, self._users, self.counts, self.numbering, self._rows, timer)
        self._views: list[UserView | ItemView] = [*self._items, *self._users]
        self._checked = self._asked = -1e9
        self._wanted = asyncio.Event()
        self._resting = False
        self._applied: deque[tuple[float, int]] = deque()
        self._trouble = "the state is being loaded"

    async def run(self) -> None:
        """Follow the changes until cancelled; while the store is away, wait."""
        while True:
            try:
                await self.follow()
                await self._wait()
                await self._pause()
            except (RedisError, OSError, TimeoutError) as error:
                if not self._trouble:
                    log.warning("the store is away: %s: %s", type(error).__name__, error)
                self._trouble = f"the store is away: {type(error).__name__}"
                await asyncio.sleep(RETRY_S)

    async def follow(self) -> None:
        """Take in all that changed up to now."""
        await follow_all(self._follower, self._views, self.counts.settle)
        self.counts.reserve(len(self.numbering))
        if self._leaving.look():
            self._rows.clear()
        self._rows.trim()
        now = self._timer()
        self._checked, self._trouble = now, ""
        self._applied.append((now, sum(view.head.applied for view in self._users)))
        while now - self._applied[0][0] > RATE_S and len(self._applied) > 2:
            self._applied.popleft()

    async def _wait(self) -> None:
        """Until something changed, a second at most."""
        streams = {view.keys.changes: view.last for view in self._views}
        await self._follower.xread(streams, count=1, block=int(1000 * CHECK_S))

    async def _pause(self) -> None:
        """A little, so that batches are taken in together; longer while nobody asks, until somebody does."""
        if self._timer() - self._asked < ASKED_S:
            await asyncio.sleep(PAUSE_S)
            return
        self._resting = True
        self._wanted.clear()
        try:
            async with asyncio.timeout(REST_S):
                await self._wanted.wait()
        except TimeoutError:
            pass
        finally:
            self._resting = False

    async def catch_up(self) -> None:
        """Take in what changed while nobody asked; else `run` does it."""
        self._asked = self._timer()
        if self._resting:
            self._wanted.set()
            with suppress(RedisError, OSError, TimeoutError):  # `position` says how old the state may be
                await self.follow()

    def position(self) -> list[int]:
        """Next offset of each partition of `interactions` that every answer from now on includes."""
        if not all(view.loaded for view in self._views):
            raise Unavailable("the state is being loaded")
        if any(view.behind for view in self._views):
            raise Unavailable(LOST)
        if self.age_s() > KNOWN_S:
            raise Unavailable(self._trouble or "the store does not answer")
        return [view.position for view in self._users]

    def age_s(self) -> float:
        """For how long the store was not looked at, s."""
        return max(0.0, self._timer() - self._checked)

    async def users(self, user_ids: Sequence[str]) -> list[UserState | None]:
        """Users as Redis has them now, in one round trip."""
        return await self._reads.users(user_ids) if user_ids else []

    async def rows(self, numbers: Sequence[int]) -> list[Array]:
        """Neighbour rows: what is not at hand is fetched from all partitions in one round trip."""
        return await self._reads.rows(numbers)

    async def recent_users(self, limit: int) -> list[str]:
        """Users of the latest changes, the partitions in turn."""
        lists = [view.recent() for view in self._users]
        longest = max(map(len, lists))
        turns = [names[place] for place in range(longest) for names in lists if place < len(names)]
        return turns[:limit]

    async def life(self, item_id: str) -> dict[str, int | None]:
        """When the item arrived, was encoded, indexed and first recommended."""
        try:
            return (await read_lives(self._client, self._keys, len(self._items), [item_id]))[0]
        except (RedisError, OSError) as error:
            raise Unavailable("the store is away") from error

    async def forgetting(self, partition: int) -> Forgetting | None:
        """How far the forgets of a partition have come, as Redis has it now."""
        if partition >= len(self._users):
            return None
        try:
            return await read_forgetting(self._client, self._users[partition].keys)
        except (RedisError, OSError) as error:
            raise Unavailable("the store is away") from error

    async def export(self, user_id: str) -> dict[str, Any] | None:
        """All that is held of a user."""
        state = (await self.users([user_id]))[0]
        return exported(state, self.numbering, self.types) if state else None

    def ready(self) -> tuple[bool, str]:
        """Loaded, current, and in touch with the store?"""
        try:
            self.position()
        except Unavailable as error:
            return False, self._trouble or str(error)
        return True, ""

    def figures(self) -> dict[str, Any]:
        """Counters, rate, sizes, freshness."""
        heads = [view.head for view in self._users]
        out: dict[str, Any] = {
            **self.catalogue.figures(),
            "users": sum(view.users for view in self._users),
            "applied": sum(head.applied for head in heads),
            "duplicates": sum(head.duplicates for head in heads),
            "set_aside": sum(head.dead_letters for head in heads) + sum(v.head.dead_letters for v in self._items),
            "positions": {kind: [head.next.get(kind, 0) for head in heads] for kind in ("profiles", "forgets")},
            "rows_at_hand": len(self._rows),
            "view_age_ms": round(1000 * self.age_s(), 1),
            "known_users": [name for view in self._users for name in view.recent()[:3]][:10],
        }
        if len(self._applied) > 1:
            (begin, before), (end, after) = self._applied[0], self._applied[-1]
            out["events_per_s"] = round((after - before) / max(end - begin, 1e-3), 1)
        return out
