"""What the trainer publishes, by version: the blend's weights, the live quality, the factorisation's changed rows."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import redis

from online_models.default import Default
from recommender.keys import Keys

SPARE: Final = 1_000
"""All is written anew when so many more items have left than there may be: else their names would stay for ever."""


class TrainerPublishing:
    """Writes what serving reads of the trainer. One trainer writes at a time; all of it is a view."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._told: bytes | None = None
        self._left = 0
        self._epoch, self._turn = secrets.token_hex(8), 0

    def weights(self, default: Default) -> bytes:
        """The weights with their version, as `blend-weights` holds them."""
        published = default.blend.published()
        return msgspec.json.encode({**published, "tables": published["tables"].tolist()})

    def write(self, default: Default, weights: bytes, figures: Mapping[str, Any], clicks: bytes | None = None) -> None:
        """Weights, figures and the changed rows of the factorisation, in one step; raises redis' errors."""
        mf = default.mf
        pipe: Any = self._client.pipeline(transaction=True)
        if self._client.get(self._keys.trainer("mf")) != self._told or self._left > mf.items.limit + SPARE:
            # Another process was the last to write, or the store lost what we wrote: only changes would not do.
            mf.mark_unpublished()
            self._epoch, self._turn, self._left = secrets.token_hex(8), 0, 0
            pipe.delete(*(self._keys.trainer(name) for name in ("mf_users", "mf_items", "mf_changed")))
        self._turn += 1
        self._put(pipe, "mf_users", mf.user_rows(mf.changed_users()))
        items = mf.item_rows(mf.changed_items())
        self._put(pipe, "mf_items", items)
        if items:
            pipe.zadd(self._keys.trainer("mf_changed"), {str(name): self._turn for name in items})
        told = msgspec.json.encode(
            {
                "version": default.blend.version,
                "mean": mf.user_level(""),
                "factors": mf.n_factors,
                "epoch": self._epoch,
                "turn": self._turn,
            }
        )
        pipe.set(self._keys.trainer("weights"), weights)
        if clicks is not None:
            pipe.set(self._keys.trainer("click_model"), clicks)
        pipe.set(self._keys.trainer("quality"), msgspec.json.encode(figures))
        pipe.set(self._keys.trainer("mf"), told)
        pipe.execute()
        self._told = told
        self._left += sum(row is None for row in items.values())
        mf.mark_published()

    def _put(self, pipe: Any, name: str, rows: Mapping[Any, Any]) -> None:
        key = self._keys.trainer(name)
        kept = {str(row_of): row.astype("<f8").tobytes() for row_of, row in rows.items() if row is not None}
        gone = [str(row_of) for row_of, row in rows.items() if row is None]
        if kept:
            pipe.hset(key, mapping=kept)
        if gone:
            pipe.hdel(key, *gone)
