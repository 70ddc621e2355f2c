"""Users' interest vectors in Redis: a view of their rings and the item vectors, renewed with every batch.

An item whose vector is not there yet keeps its place in the row as missing; whoever reads the
row completes it, and the user's next event renews it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import redis

from online_models.kernels import RING, SCALE
from recommender.interests import build_interests
from recommender.keys import Keys
from streams.redis_store import away
from streams.stored_vectors import StoredVectors
from streams.user_shard import UserShard


class InterestWriter:
    """Renews the interest rows of the users that a batch touched. Blocking."""

    def __init__(self, client: redis.Redis, keys: Keys, vectors: StoredVectors) -> None:
        self._client = client
        self._keys = keys
        self._vectors = vectors

    @away
    def renew(self, shard: UserShard, user_ids: Sequence[str]) -> None:
        """Write the rows of these users; those of whom no item has a vector get none."""
        if not self._vectors.are_served():
            return
        names = shard.state.dictionary.names
        found = {user_id: shard.state.user(user_id) for user_id in user_ids}
        histories = {
            user_id: (row, [names[item] for item in row.items[-RING:].tolist()])
            for user_id, row in found.items()
            if row is not None and len(row.items)
        }
        vectors = self._vectors.get({item for _, items in histories.values() for item in items})
        if not vectors:
            return
        now, dim = shard.state.clock.now, next(iter(vectors.values())).size
        matrix, known = np.zeros((RING, dim), np.float32), np.zeros(RING, np.bool_)
        rows: dict[Any, Any] = {}
        for user_id, (row, items) in histories.items():
            size = len(items)
            for place, item in enumerate(items):
                vector = vectors.get(item)
                known[place] = vector is not None
                if vector is not None:
                    matrix[place] = vector
            weights, times = row.weights[-RING:] / SCALE, row.times[-RING:]
            interests = build_interests(self._vectors.space, matrix[:size], known[:size], weights, times, now)
            if interests:
                rows[user_id] = interests.encode()
        if rows:
            self._client.hset(self._keys.users(shard.partition).interests, mapping=rows)
