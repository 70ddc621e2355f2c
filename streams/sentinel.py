"""Looks whether the store still holds what we have in hand, also while no event comes.

A store that was emptied, lost its last second, or was restored from a backup says so by another head; a partition that
somebody else claimed by another owner. Either is healed by reading the state again and going back to where it ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import redis
from faust.types import TP

logger = logging.getLogger(__name__)

LOOK_S: Final = 1.0
PATIENCE: Final = 2
"""Looks in a row before a partition that another process owns is claimed back: if we are the one who lost it, we shall
hear of it within a heartbeat."""


class Guarded(Protocol):
    """A shard as the sentinel sees it."""

    partition: int
    is_open: bool
    behind: set[str]

    @property
    def guard(self) -> tuple[bytes | None, bytes]:
        """Head and owner that the store must hold for our next write to be taken."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """A partition's state in hand: its shard, its keys of head and owner, and what is read into it."""

    shard: Guarded
    head: str
    owner: str
    tps: Sequence[TP]


class Sentinel:
    """Looks once a second at every partition held.

    Parameters
    ----------
    client
        Of the store.
    held
        What is held now.
    quiet
        Keeps a shard still for a moment; None where it is at work, and so finds out by itself.
    heal
        Reads the state of partitions again and goes back to where it ends.
    tell
        Counts by name what was noticed.
    """

    def __init__(
        self,
        client: redis.Redis,
        held: Callable[[], Sequence[Held]],
        quiet: Callable[[Any], AbstractAsyncContextManager[Any] | None],
        heal: Callable[[Sequence[TP]], Awaitable[Any]],
        tell: Callable[[str], None],
    ) -> None:
        self._client: Any = client
        self._held = held
        self._quiet = quiet
        self._heal = heal
        self._tell = tell
        self._strange: dict[str, int] = {}

    async def watch(self) -> None:
        """Look until cancelled; a store that is away is looked at again later."""
        while True:
            await asyncio.sleep(LOOK_S)
            for held in self._held():
                try:
                    await self.look(held)
                except (redis.RedisError, OSError) as error:
                    logger.debug("the store can't be looked at: %s", error)
                    break

    async def look(self, held: Held) -> None:
        """Compare one partition with the store, and heal it where they differ."""
        quiet = self._quiet(held.shard)
        if quiet is None:
            self._strange.pop(held.head, None)
            return
        async with quiet:
            found = await asyncio.get_running_loop().run_in_executor(None, self._client.mget, held.head, held.owner)
            trouble = difference(held.shard, found[0], found[1])
        if trouble is None:
            self._strange.pop(held.head, None)
            return
        looks = self._strange[held.head] = self._strange.get(held.head, 0) + 1
        if trouble == "store_went_back" or looks >= PATIENCE:
            logger.warning("%s: %s; reading the state again and going on where it ends", held.head, TOLD[trouble])
            self._strange.pop(held.head, None)
            self._tell(trouble)
            await self._heal(held.tps)


TOLD: Final = {
    "store_went_back": "the store holds another state than was written to it",
    "owner_changed": "another process claimed the partition",
    "state_not_in_hand": "the state in hand was given up",
}
"""What may be noticed: name in the pulse -> words."""


def difference(shard: Guarded, head: bytes | None, owner: bytes | None) -> str | None:
    """What is wrong, as a name out of `TOLD`; None if all is as it must be."""
    expected_head, expected_owner = shard.guard
    if owner is not None and owner != expected_owner:
        return "owner_changed"
    if not shard.is_open:
        return "state_not_in_hand"
    if shard.behind or head != expected_head or owner is None:
        return "store_went_back"
    return None
