"""How far the forgets of a partition have come, as Redis has it now."""

from __future__ import annotations

from typing import Any

import msgspec

from recommender.head import decode_user_head
from recommender.keys import UserKeys
from recommender.read_model import Forgetting


async def read_forgetting(client: Any, keys: UserKeys) -> Forgetting:
    """One round trip; raises redis' errors."""
    async with client.pipeline(transaction=True) as pipe:
        pipe.get(keys.head)
        pipe.hmget(keys.unlearning, ["rebuild", "files"])
        data, (rebuild, files) = await pipe.execute()
    head, told = decode_user_head(data), msgspec.json.decode(rebuild or b"{}")
    return Forgetting(
        erased=head.next.get("forgets", 0),
        files=int(files or 0),
        unlearned=head.unlearned,
        done=told.get("done", 0),
        total=told.get("total", 0),
        gap=told.get("gap", ""),
    )
