"""What a question reads from Redis itself: the user as they are now, and neighbour rows that are not at hand."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import numpy as np
import redis.asyncio as redis
from redis.exceptions import RedisError

from online_models.rings import UserRow
from recommender.counts import ItemCounts
from recommender.events import decode_profile
from recommender.fatigue import decode_shown
from recommender.interests import Interests, decode_interests
from recommender.keys import UserKeys
from recommender.numbering import Array, Numbering
from recommender.partitioning import partition_of
from recommender.query import Unavailable
from recommender.read_model import UserState
from recommender.vectors import BadVectorError
from serving.views.line import Command, Line, transaction
from serving.views.row_cache import RowCache
from serving.views.together import follow_all
from serving.views.translate import neighbours, user_state
from serving.views.user_view import Renewed, UserView, field

S = TypeVar("S")
T = TypeVar("T")

TRIES: Final = 3
"""So often a question is read again because a partition's state was made anew meanwhile."""


class Reads:
    """Reads by way of the partitions' views, which translate local item numbers; `cache` keeps rows.

    Every answer of the store comes with the partition's head: what is of another numbering than the view's, or of a
    store that lost something, is never used.
    """

    def __init__(
        self,
        client: redis.Redis,
        views: Sequence[UserView],
        counts: ItemCounts,
        numbering: Numbering,
        cache: RowCache,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client: Any = client
        self._line = Line(client)
        self._views = views
        self._names = [_Names.of(view.keys) for view in views]
        self._counts = counts
        self._numbering = numbering
        self._cache = cache
        self._timer = timer

    async def users(self, user_ids: Sequence[str]) -> list[UserState | None]:
        """Users as Redis has them now; None for the unknown. Raises `Unavailable`."""
        return await self._settled(self._users, user_ids)

    async def rows(self, numbers: Sequence[int]) -> list[Array]:
        """Neighbour rows, [m, 3] int32 each. Raises `Unavailable`."""
        return await self._settled(self._rows, numbers)

    async def _settled(self, read: Callable[[S], Awaitable[T]], asked: S) -> T:
        """Read, and again where a partition's state was made anew: names and rows must be of one numbering."""
        for _ in range(TRIES):
            try:
                return await read(asked)
            except Renewed as renewed:
                try:
                    await follow_all(self._client, [renewed.view], self._counts.settle)
                except (RedisError, OSError) as error:
                    raise Unavailable(f"the store is away: {type(error).__name__}") from error
        raise Unavailable("the state is being made anew")

    async def _users(self, user_ids: Sequence[str]) -> list[UserState | None]:
        by_partition: dict[int, list[str]] = {}
        for user_id in dict.fromkeys(user_ids):
            by_partition.setdefault(partition_of(user_id, len(self._views)), []).append(user_id)
        asked = []
        commands: list[Command] = []
        for partition, user_names in by_partition.items():
            view, names, size = self._views[partition], self._names[partition], self._counts.partitions[partition].size
            asked.append((view, view.begin(), size, user_names))
            commands.append(("GET", names.head))
            commands.append(("LRANGE", names.names, size, -1))
            commands += [("HMGET", key, *user_names) for key in names.of_users]
        answers = iter(await self._ask(commands))
        found: dict[str, UserState | None] = {}
        for view, begun, size, user_names in asked:
            view.admit(next(answers), begun)
            # A user's own last action counts at once, also with an item that the view has not met yet.
            view.learn_names(size, next(answers))
            numbers = view.numbers
            rows = zip(user_names, *(next(answers) for _ in range(4)), strict=True)
            for name, row, profile, interests, shown in rows:
                found[name] = user_state(
                    name,
                    UserRow.from_bytes(row) if row else None,
                    numbers,
                    decode_profile(profile) if profile else None,
                    _interests(interests),
                    decode_shown(shown),
                )
        if len(self._counts.count) < len(self._numbering):
            self._counts.reserve(len(self._numbering))
        return [found[user_id] for user_id in user_ids]

    async def _rows(self, numbers: Sequence[int]) -> list[Array]:
        now = self._timer()
        for _ in range(TRIES):  # the rows at hand may all go while some are fetched
            rows = [self._cache.ready(number, now) for number in numbers]
            if all(row is not None for row in rows):
                return cast("list[Array]", rows)
            cleared = self._cache.cleared
            await self._fetch([number for number, row in zip(numbers, rows, strict=True) if row is None], now)
            if self._cache.cleared == cleared:
                break
        return [self._cache.get(number) for number in numbers]

    async def _fetch(self, numbers: Sequence[int], now: float) -> None:
        """Have the pieces of these rows that are not at hand."""
        asked = np.asarray(numbers, np.int64)
        places = np.stack([counts.places(asked) for counts in self._counts.partitions])
        wanted: dict[int, list[int]] = defaultdict(list)
        for column, number in enumerate(numbers):
            for partition in self._cache.wanted(number, np.flatnonzero(places[:, column] >= 0).tolist(), now):
                wanted[partition].append(column)
        if not wanted:
            return
        begun = {partition: self._views[partition].begin() for partition in wanted}
        commands: list[Command] = []
        for partition, columns in wanted.items():
            names = self._names[partition]
            commands.append(("GET", names.head))
            commands.append(("HMGET", names.rows, *(field(int(places[partition, column])) for column in columns)))
        try:
            answers = await self._ask(commands)
            for partition, head in zip(wanted, answers[::2], strict=True):
                self._views[partition].admit(head, begun[partition])
        except BaseException:
            self._cache.failed({partition: [numbers[c] for c in columns] for partition, columns in wanted.items()})
            raise
        for (partition, columns), values in zip(wanted.items(), answers[1::2], strict=True):
            known = self._views[partition].numbers
            for column, value in zip(columns, values, strict=True):
                row = np.frombuffer(value or b"", "<i4").reshape(-1, 3)
                self._cache.put(numbers[column], partition, neighbours(row, known))

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        """All at once, so that a head and what lies under it belong together."""
        try:
            answers: list[Any] = await self._line.ask(transaction(commands))
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable(f"the store is away: {type(error).__name__}") from error
        return answers


@dataclass(frozen=True, slots=True)
class _Names:
    """A partition's keys; of_users: those of what is held of each user."""

    head: str
    names: str
    rows: str
    of_users: tuple[str, str, str, str]

    @classmethod
    def of(cls, keys: UserKeys) -> _Names:
        return cls(keys.head, keys.names, keys.rows, (keys.users, keys.profiles, keys.interests, keys.shown))


def _interests(value: bytes | None) -> Interests | None:
    try:
        return decode_interests(value) if value else None
    except BadVectorError:
        return None
