"""What is known of one item, of one user: pages for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from recommender.events import encode
from recommender.read_model import ReadModel, UserState
from serving.views.translate import events_of

TOP: Final = 10
FADE: Final = 0.95
"""How much less each older interaction tells of a user's interests."""


def item_page(model: ReadModel, number: int, life: Mapping[str, int | None]) -> dict[str, Any]:
    """An item's announced fields (only its id, where it was never announced), with `life`, `counts` and `counted`."""
    item = model.catalogue.items.get(number)
    fields: dict[str, Any] = (
        msgspec.json.decode(encode(item)) if item else {"item_id": model.numbering.ids[number], "title": None}
    )
    if item:
        fields = {**fields, "title": item.title, "available": item.available, "categories": item.categories}
    by_type = model.counts.by_type(number).tolist()
    counts = {name: n for name, n in zip(model.types.names, by_type, strict=True) if n}
    return {**fields, "life": dict(life), "counts": counts, "counted": model.counts.heard(number)[1]}


def portrait(model: ReadModel, state: UserState) -> dict[str, Any]:
    """A user's interests (categories of what they chose, the newest counting most) and history, newest first."""
    history = state.history
    shares = history.weights * FADE ** np.arange(len(history) - 1, -1, -1)
    liked: defaultdict[str, float] = defaultdict(float)
    for number, share in zip(history.items.tolist(), shares.tolist(), strict=True):
        item = model.catalogue.items.get(number)
        for category in item.categories if item else ():
            liked[category] += share / len(item.categories) if item else 0.0
    total = sum(share for share in liked.values() if share > 0.0)
    best = sorted(((share, name) for name, share in liked.items() if share > 0.0), key=lambda pair: (-pair[0], pair[1]))
    return {
        "user_id": state.user_id,
        "interests": [{"category": name, "share": round(share / total, 4)} for share, name in best[:TOP]],
        "history": [
            {key: event[key] for key in ("item_id", "type", "timestamp")}
            for event in events_of(state, model.numbering, model.types)
        ],
    }
