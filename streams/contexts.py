"""The trainer's view of what is liked in which context, learned from examples and published for serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import redis

from online_models.context_trends import FIELDS, ContextTrends
from online_models.partition_state import PartitionState
from recommender.events import Interaction
from recommender.keys import Keys
from streams.outbox import Example

CHOICE = 1.0
"""What an example weighs at least that tells of a choice."""


class Contexts:
    """Hears choices before the models learn them; one account counts once for an item that it has in its history."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client: Any = client
        self._key = keys.trainer("context")
        self.trends = ContextTrends()
        self._changed = False

    def hear(self, example: Example, state: PartitionState) -> None:
        """Take in an example that `state` has not learned yet."""
        if example.y < CHOICE:
            return
        index = state.dictionary.index.get(example.item_id)
        if index is None or not state.has_met(example.user_id, index):
            self.trends.learn(example.item_id, example.timestamp, example.context)
            self._changed = True

    def hear_all(self, examples: Sequence[Example], state: PartitionState) -> None:
        """Take in examples that `state` learns one after another afterwards."""
        met: set[tuple[str, str]] = set()
        for example in examples:
            pair = example.user_id, example.item_id
            if pair not in met:
                self.hear(example, state)
                met.add(pair)

    def publish(self) -> None:
        """Write what serving reads, if there is news or the store has lost it. Blocking; raises redis' errors."""
        if self._changed or not self._client.exists(self._key):
            self._client.set(self._key, msgspec.json.encode(self.trends.state_dict()))
            self._changed = False

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from the trends' `state_dict`."""
        self.trends.load_state(state)
        self._changed = True


def context_of(event: Interaction) -> dict[str, Any] | None:
    """What of an event's context tells of the crowd it comes from; nothing that tells who it was."""
    return {name: event.context[name] for name in FIELDS if name in event.context} or None if event.context else None
