"""What the trainer makes of `decisions`: lists that were served, and what was chosen out of them.

Lists come from `decisions`, choices and impressions that carry a request_id from `examples`. Both topics are read each
at its own pace; an event that comes before its list waits for it (`online_models.choices`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from online_models.choices import Choices
from online_models.choices_state import restore, state_of
from online_models.state import State
from recommender.decision import Decision, decode_decision
from streams.intake import Record
from streams.outbox import Example

logger = logging.getLogger(__name__)

IMPRESSION = "impression"


class ServedLists:
    """The lists of `decisions` that are still open, and the click model that learns from them.

    Parameters
    ----------
    forgotten
        The time in ms up to which a user is forgotten, 0 for none.

    Attributes
    ----------
    next
        By partition of `decisions`, the next offset that was not read.
    """

    def __init__(self, forgotten: Callable[[str], int]) -> None:
        self._forgotten = forgotten
        self.choices = Choices()
        self.next: dict[int, int] = {}
        self._told: bytes | None = None
        self._told_version = 0

    def read(self, partition: int, records: Sequence[Record], following: int) -> None:
        """Take records of `decisions` in, up to the offset `following`; what was read before changes nothing."""
        begin = self.next.get(partition, 0)
        for record in records:
            if record.offset < begin:
                continue
            try:
                self._serve(decode_decision(record.value or b""))
            except (msgspec.DecodeError, ValueError) as error:
                # A lost lesson; to stop here would cost them all.
                logger.warning("decisions[%d] at %d is no decision: %s", partition, record.offset, error)
        self.next[partition] = max(begin, following)

    def _serve(self, decision: Decision) -> None:
        if decision.user_id is None or decision.timestamp > self._forgotten(decision.user_id):
            self.choices.served(decision)

    def hear(self, example: Example) -> None:
        """Take an event in, if it says what was shown or chosen of a list."""
        if example.request_id is None:
            return
        if example.type == IMPRESSION:
            items = example.items or [example.item_id]
            self.choices.impression(example.request_id, example.user_id, items, example.items is not None)
        elif example.y > 0.0:
            self.choices.chosen(example.request_id, example.user_id, example.item_id, example.y)

    def forget(self, user_id: str, until: int) -> None:
        """Drop a user's lists and what waits of theirs."""
        self.choices.forget(user_id, until)

    def weights(self) -> bytes | None:
        """The click model's weights, as `blend-weights` holds them: the same object until more was learned.

        None while there is no choice to speak of.
        """
        choices = self.choices
        if choices.count and self._told_version != choices.model.version:
            self._told = msgspec.json.encode(choices.model.published(choices.count))
            self._told_version = choices.model.version
        return self._told

    def figures(self) -> dict[str, Any]:
        """How many lists are open, choices and lessons learned, and how likely each place is looked at."""
        choices = self.choices
        return {
            "lists": len(choices.lists),
            "impressions": choices.reports,
            "choices": round(choices.count, 3),
            "version": choices.model.version,
        }

    def state_dict(self) -> State:
        """Lists, model and offsets."""
        return {**state_of(self.choices), "next": {str(partition): at for partition, at in self.next.items()}}

    def load_state(self, state: State) -> None:
        """Take over what `state_dict` gave; this one is new."""
        restore(self.choices, state)
        self.next = {int(partition): at for partition, at in state["next"].items()}
