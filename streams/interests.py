"""Users' interest vectors in Redis: a view of their rings and the item vectors, renewed with every batch.

An item whose vector is not there yet keeps its place in the row as missing; whoever reads the
row completes it, and the user's next event renews it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import redis

from online_models.dictionary import Dictionary
from online_models.kernels import RING, SCALE
from recommender.interests import encode_interests
from recommender.keys import Keys
from recommender.numbering import Array, fitted
from recommender.vectors import Vector
from streams.redis_store import away
from streams.stored_vectors import StoredVectors
from streams.user_shard import UserShard

ANEW: Final = -2
"""Where an item's vector is has to be looked up."""


class InterestWriter:
    """Renews the interest rows of the users that a batch touched. Blocking."""

    def __init__(self, client: redis.Redis, keys: Keys, vectors: StoredVectors) -> None:
        self._client = client
        self._keys = keys
        self._stored = vectors
        self._generation = -1
        self._matrix: Vector = np.zeros((0, 1), np.float32)
        self._used = 0
        self._place_of: dict[str, int] = {}
        self._places: dict[int, tuple[Dictionary, Array]] = {}

    @away
    def renew(self, shard: UserShard, user_ids: Sequence[str]) -> None:
        """Write the rows of these users; those of whom no item has a vector get none."""
        if not self._stored.are_served():
            return
        found = ((user_id, shard.state.user(user_id)) for user_id in user_ids)
        histories = {user_id: row for user_id, row in found if row is not None and len(row.items)}
        if not histories:
            return
        rows = list(histories.values())
        places = self._located(shard, np.concatenate([row.items[-RING:] for row in rows]))
        if self._generation != self._stored.generation:  # maybe of another space by now
            self.renew(shard, user_ids)
            return
        if not self._used:
            return
        encoded = encode_interests(
            self._stored.space,
            self._matrix,
            places,
            np.cumsum([min(len(row.items), RING) for row in rows]),
            np.concatenate([row.weights[-RING:] for row in rows]) / SCALE,
            np.concatenate([row.times[-RING:] for row in rows]),
            shard.state.clock.now,
        )
        fresh: dict[Any, Any] = {user_id: row for user_id, row in zip(histories, encoded, strict=True) if row}
        if fresh:
            self._client.hset(self._keys.users(shard.partition).interests, mapping=fresh)

    def _located(self, shard: UserShard, items: Array) -> Array:
        """Where the vectors of a partition's items (local indexes) lie in the matrix, [n]; -1 where there is none."""
        dictionary, partition = shard.state.dictionary, shard.partition
        if self._generation != self._stored.generation:
            self._generation, self._used = self._stored.generation, 0
            self._place_of.clear()
            self._places.clear()
        known, places = self._places.get(partition, (None, np.zeros(0, np.int64)))
        if known is not dictionary:  # a state that was read again
            places = np.zeros(0, np.int64)
        places = fitted(places, len(dictionary.names), ANEW)
        self._places[partition] = dictionary, places
        missing = np.unique(items[places[items] < 0]).tolist()  # one that has none may have it by now
        if missing:
            names = [dictionary.names[item] for item in missing]
            self._take({name for name in names if name not in self._place_of})
            places[missing] = [self._place_of.get(name, -1) for name in names]
        return np.asarray(places[items])

    def _take(self, items: set[str]) -> None:
        """Have the vectors of these items in the matrix, if there are any."""
        found = self._stored.get(items)
        if not found:
            return
        dim = next(iter(found.values())).size
        if not self._used:
            self._matrix = np.zeros((256, dim), np.float32)
        self._matrix = fitted(self._matrix, self._used + len(found))
        for item, vector in found.items():
            if vector.size == dim == self._matrix.shape[1]:
                self._matrix[self._used], self._place_of[item] = vector, self._used
                self._used += 1
