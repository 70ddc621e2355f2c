"""What the trainer publishes, as serving uses it: blend weights, live quality, factors of users and items.

All of it is optional: without a trainer lists are made with the start weights and without `mf`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import redis.asyncio as redis
from redis.exceptions import RedisError

from online_models.blend import Blend
from online_models.mf_part import item_parts
from online_models.neighbours import grown
from recommender.keys import Keys
from recommender.numbering import Array, Names, Numbering, fitted
from serving.views.line import Line, single

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]

LOOK_S: Final = 1.0
AT_ONCE: Final = 5_000
"""Item factors are read in pieces of so many."""
USERS_KEPT: Final = 1_000
_ANEW: Final = -2
"""Where an item's factors are is to be looked up."""


class TrainedView:
    """Follows the trainer. `run` must be running; `prepare` is awaited before `score` is asked about a user."""

    def __init__(self, client: redis.Redis, keys: Keys, names: Sequence[str]) -> None:
        self._client: Any = client
        self._line = Line(client)
        self._keys = keys
        self.blend = Blend(names)
        self.quality: dict[str, Any] = {}
        self._items: dict[str, int] = {}
        self._factors: Floats = np.zeros((0, 1))
        self._free: list[int] = []
        self._places: Array = np.zeros(0, np.int64)
        self._numbering: Numbering | None = None
        self._turns = 0
        self._epoch, self._turn = "", 0
        self._users: OrderedDict[str, Floats] = OrderedDict()

    async def run(self) -> None:
        """Follow until cancelled; while the store is away, keep what is known."""
        while True:
            try:
                await self.follow()
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("nothing of the trainer now: %s", error)
            await asyncio.sleep(LOOK_S)

    async def follow(self) -> None:
        """Take in what is new."""
        names = ("weights", "quality", "mf")
        weights, quality, head = await self._client.mget([self._keys.trainer(name) for name in names])
        if weights:
            self._take_weights(msgspec.json.decode(weights))
        if quality:
            self.quality = msgspec.json.decode(quality)
        if head:
            await self._follow_factors(msgspec.json.decode(head))

    async def _follow_factors(self, head: dict[str, Any]) -> None:
        """Read the rows that changed since the last look; all of them after the trainer wrote everything anew."""
        epoch, turn = str(head["epoch"]), int(head["turn"])
        if epoch != self._epoch:
            self._epoch, self._turn = epoch, 0
            self._items, self._free, self._factors = {}, [], np.zeros((0, 1 + int(head["factors"])))
            self._places[:] = _ANEW
        if turn == self._turn:
            return
        # A row that changes meanwhile is read as it is then, and once more at the next look.
        changed = await self._client.zrange(self._keys.trainer("mf_changed"), f"({self._turn}", "+inf", byscore=True)
        for start in range(0, len(changed), AT_ONCE):
            names = changed[start : start + AT_ONCE]
            self._take_factors(names, await self._client.hmget(self._keys.trainer("mf_items"), names))
        self._turn = turn

    async def prepare(self, user_id: str) -> None:
        """Have the user's factors at hand, as they stand now; none while the store is away."""
        data = None
        if self._items:
            with suppress(RedisError, OSError, TimeoutError):
                data = await self._line.ask(single("HGET", self._keys.trainer("mf_users"), user_id))
        # What was known stays until now: somebody else may be asking for the same user's list meanwhile.
        self._users.pop(user_id, None)
        if not data:  # to ask about somebody unknown leaves no trace
            return
        self._users[user_id] = np.frombuffer(data, "<f8").copy()
        if len(self._users) > USERS_KEPT:
            self._users.popitem(last=False)

    def score(self, user_id: str, items: Names) -> Floats | None:
        """What the factorisation adds for each item, [n]: its bias + the dot product; of an unknown user the biases."""
        if not self._items:
            return None
        user = self._users.get(user_id)
        if user is None or user.size != self._factors.shape[1]:
            user = np.zeros(self._factors.shape[1])
        return np.asarray(item_parts(user, self._factors, self._places_of(items)))

    def _places_of(self, items: Names) -> Array:
        """Where the factors of items are, [n], -1 for none; looked up once, until numbers are given to others."""
        numbers = items.numbers
        if items.numbering is not self._numbering:  # a look at the past numbers items in its own way
            self._numbering, self._places = items.numbering, np.zeros(0, np.int64)
        if items.numbering.turns != self._turns:
            self._turns = items.numbering.turns
            self._places[:] = _ANEW
        self._places = fitted(self._places, int(numbers.max(initial=-1)) + 1, _ANEW)
        places = self._places[numbers]
        anew = places == _ANEW
        if anew.any():
            found = [self._items.get(items[place], -1) for place in np.flatnonzero(anew).tolist()]
            self._places[numbers[anew]] = found
            places = self._places[numbers]
        return np.asarray(places)

    def figures(self) -> dict[str, Any]:
        """For the status: the trainer's live quality (docs/live-quality.md)."""
        return {"quality": self.quality} if self.quality else {}

    def _take_weights(self, told: dict[str, Any]) -> None:
        if told["version"] != self.blend.version:
            self.blend.take_published(told)

    def _take_factors(self, names: Sequence[bytes], rows: Sequence[bytes | None]) -> None:
        changed = False
        for name, row in zip(names, rows, strict=True):
            item_id = name.decode()
            place = self._items.get(item_id)
            if not row:  # the item has none any more; its place is another's
                if place is not None:
                    self._free.append(self._items.pop(item_id))
                    changed = True
                continue
            if place is None:
                place = self._items[item_id] = self._free.pop() if self._free else len(self._items)
                changed = True
                if place >= len(self._factors):
                    self._factors = grown(self._factors, max(256, 2 * place))
            self._factors[place] = np.frombuffer(row, "<f8")
        if changed:
            self._places[:] = _ANEW
