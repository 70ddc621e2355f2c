"""What the trainer is told of an event: choices and impressions keep their request_id."""

from __future__ import annotations

from typing import Any

from benchmarks.shown_lists import decision
from online_models.choices import Choices
from online_models.held_lists import UNSEEN
from recommender.event_types import EventTypes
from recommender.events import Interaction
from streams.served_lists import ServedLists
from streams.worker import example_of

TYPES = EventTypes()


def heard(*events: Interaction) -> Choices:
    """What becomes of a list r1 of u1 (a, b, c) after these events, on the worker's and the trainer's way."""
    lists = ServedLists(lambda _: 0)
    lists.choices.served(decision("r1", "u1", ["a", "b", "c"]))
    for each in events:
        example = example_of(each, TYPES)
        if example is not None:
            lists.hear(example)
    return lists.choices


def event(kind: str, item: str | None = "b", **more: Any) -> Interaction:
    return Interaction("u1", kind, 5, item, **more)


def rewards(choices: Choices) -> list[float]:
    return choices.lists["r1"].rewards


def test_choices_count_with_their_weight() -> None:
    for kind, worth in (("click", 1.0), ("cart", 2.0), ("purchase", 3.0)):
        assert rewards(heard(event(kind, request_id="r1"))) == [0.0, worth, 0.0]
    assert rewards(heard(event("rating", value=5.0, request_id="r1"))) == [0.0, 2.0, 0.0]


def test_what_is_no_choice_is_none() -> None:
    for each in (
        event("view", request_id="r1"),
        event("dislike", request_id="r1"),
        event("hide", request_id="r1"),
        event("rating", value=1.0, request_id="r1"),
        event("click"),
    ):
        assert rewards(heard(each)) == [UNSEEN] * 3


def test_impressions_say_what_was_seen_and_are_no_examples_by_themselves() -> None:
    assert rewards(heard(event("impression", None, items=["c", "b"], request_id="r1"))) == [UNSEEN, 0.0, 0.0]
    assert rewards(heard(event("impression", "a", request_id="r1"))) == [0.0, UNSEEN, UNSEEN]
    assert example_of(event("impression", None, items=["c"]), TYPES) is None
