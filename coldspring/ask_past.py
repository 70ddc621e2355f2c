"""Questions about another time, asked of a running system's log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from coldspring import wiring
from coldspring.errors import CommandError

if TYPE_CHECKING:
    from coldspring.settings import Settings
    from coldspring.time_travel import TimeTravel
    from streams.past import PastPartition

Each = Callable[["PastPartition"], None]


def recommend_as_of(settings: Settings, text: str, query: dict[str, Any], each: Each) -> dict[str, Any]:
    """The list for a query as of a position (see `parse_position`); `each` is called while the log is folded.

    Where the position is a request_id, chance falls as it fell for that request.

    Raises
    ------
    CommandError: when Kafka or Redis is away, or the log does not reach back.
    """
    import msgspec

    from coldspring.positions import parse_position
    from recommender.query import Query

    asked = msgspec.convert(query, Query)
    of_request = _position_of(settings)

    def position_of(request_id: str) -> list[int]:
        nonlocal asked
        asked = msgspec.structs.replace(asked, request_id=request_id)  # the seats that chance gave, too
        return of_request(request_id)

    position = parse_position(text, settings.partitions, position_of)
    return _ask(settings, each, lambda travel: travel.recommend(position, asked))


def explain_without(
    settings: Settings, user: str, item: str, event: str, as_of: str | None, each: Each
) -> dict[str, Any]:
    """How an item stands in a user's list with and without an event, now or as of a position.

    Raises
    ------
    CommandError: as above, and when there is no such event.
    """
    from coldspring.positions import parse_position

    if as_of is None:
        position = list(wiring.live_state(settings).positions()["interactions"])
    else:
        position = parse_position(as_of, settings.partitions, _position_of(settings))
    return _ask(settings, each, lambda travel: travel.without(user, item, event, position))


def write_checkpoints(settings: Settings, told: Callable[[int, int], None]) -> list[dict[str, Any]]:
    """Write checkpoints of every partition; see `coldspring.past.write_checkpoints`."""
    from coldspring import past
    from coldspring.open_log import open_log
    from streams.log_source import LogAwayError, LogGapError

    cluster = wiring.cluster_id(settings)
    try:
        return past.write_checkpoints(settings, cluster, open_log(settings, cluster), told)
    except (LogAwayError, LogGapError, OSError) as error:
        raise CommandError(str(error)) from None


def _ask(settings: Settings, each: Each, question: Callable[[TimeTravel], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    from redis.exceptions import RedisError

    from coldspring.fixed_views import fixed_views
    from coldspring.house import house_of
    from coldspring.open_log import open_log
    from coldspring.past import past
    from coldspring.time_travel import TimeTravel
    from streams.log_source import LogAwayError, LogGapError

    cluster = wiring.cluster_id(settings)

    async def ask() -> dict[str, Any]:
        log = open_log(settings, cluster)
        fixed = await fixed_views(settings, cluster)
        here = past(settings, cluster, log)
        names = wiring.topics(settings)
        travel = TimeTravel(here, log, names, fixed, lambda: time.time_ns() // 1_000_000, each, house_of(settings))
        try:
            return await question(travel)
        finally:
            await fixed.close()

    try:
        return asyncio.run(ask())
    except LogGapError as error:
        raise CommandError(f"the log does not hold what is needed: {error}") from None
    except LogAwayError as error:
        raise CommandError(str(error)) from None
    except RedisError as error:
        raise CommandError(f"Redis: {type(error).__name__}: {error}") from None


def _position_of(settings: Settings) -> Callable[[str], list[int]]:
    def position(request_id: str) -> list[int]:
        from coldspring.decisions import find_decision

        return find_decision(settings, request_id).position["interactions"]

    return position
