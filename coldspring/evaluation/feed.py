"""The lines of a log as a model under evaluation meets them: items announced, interactions in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from coldspring.log_file import LogLine
from embedding_worker.text import compose
from online_models.base import OnlineRanker
from recommender import evaluation
from recommender.event_types import EventTypes
from recommender.events import decode_interaction, decode_item
from recommender.reasons import BadEventError

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Texts to vectors [n, dim]."""

UNRANKED = ("impression", "hide")
"""Types that say nothing about what somebody would choose next: passed over."""
ENCODED_LINES = 512
"""So many lines are read ahead where items are encoded: encoders are much faster with many texts at once."""


class Feed:
    """Interactions in order; items on the way are announced to the model and give their labels."""

    def __init__(
        self, lines: Iterable[LogLine], model: OnlineRanker, types: EventTypes, encode: Encode | None = None
    ) -> None:
        self.model = model
        self.skipped = 0
        self.bytes = 0
        self._lines = lines
        self._types = types
        self._encode = encode
        self._labels: dict[Any, Sequence[str]] = {}
        self._ids: set[str] = set()

    def __iter__(self) -> Iterator[evaluation.Event]:
        for line, vector in self._with_vectors():
            self.bytes += len(line.value or b"") + 1
            try:
                event = self._event(line, vector)
            except BadEventError:
                event = None
                self.skipped += 1
            if event is not None:
                yield event

    def similarity(self, items: Sequence[Any]) -> npt.NDArray[np.float64]:
        """How alike items are by their categories and tags."""
        return evaluation.label_similarity({item: self._labels.get(item, ()) for item in items})(items)

    def _with_vectors(self) -> Iterator[tuple[LogLine, npt.ArrayLike | None]]:
        if self._encode is None:
            yield from ((line, None) for line in self._lines)
            return
        lines = iter(self._lines)
        while ahead := list(islice(lines, ENCODED_LINES)):
            texts = {place: text for place, line in enumerate(ahead) if (text := _text(line))}
            vectors = dict(zip(texts, self._encode(list(texts.values())), strict=True)) if texts else {}
            yield from ((line, vectors.get(place)) for place, line in enumerate(ahead))

    def _event(self, line: LogLine, vector: npt.ArrayLike | None) -> evaluation.Event | None:
        if line.error is not None:
            raise line.error
        if line.kind == "item" and line.value is not None:
            item = decode_item(line.value)
            self._labels[item.item_id] = [*item.categories, *item.tags]
            self.model.add_item(item.item_id, vector=vector, text=compose(item), timestamp=item.timestamp)
        if line.kind != "interaction":
            return None
        event = decode_interaction(line.value or b"")
        if event.type not in self._types:
            raise BadEventError("unknown_type", event.type)
        if event.event_id is not None:
            if event.event_id in self._ids:
                return None
            self._ids.add(event.event_id)
        if event.type in UNRANKED or event.item_id is None:
            return None
        weight = self._types.weight(event.type, event.value, event.scale)
        return event.user_id, event.item_id, weight, {"timestamp": event.timestamp, "type": event.type}


def _text(line: LogLine) -> str:
    """What an encoder is given of an item; empty for another line."""
    if line.kind != "item" or line.value is None or line.error is not None:
        return ""
    try:
        return compose(decode_item(line.value))
    except BadEventError:
        return ""
