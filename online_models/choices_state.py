"""The lists that `Choices` keeps, as plain values and back: a restart goes on to the same bits."""

from __future__ import annotations

import numpy as np

from online_models.choices import Choices
from online_models.click_model import ShownItems
from online_models.event_clock import EventClock
from online_models.held_lists import Early, Held
from online_models.state import State, nested, part


def state_of(choices: Choices) -> State:
    """Model, kept lists in their order, events that wait for their list, and who chose what."""
    held = list(choices.lists.values())
    kinds = list(dict.fromkeys(each.shown.names for each in held))
    deviations = [each.shown.deviations.ravel() for each in held]
    return {
        **nested("model", choices.model.state_dict()),
        "count": choices.count,
        "reports": choices.reports,
        "clock": choices.clock.times,
        "kinds": [list(names) for names in kinds],
        "lists": [
            [
                request_id, request_id in choices.waiting, kinds.index(each.shown.names), list(each.shown.items),
                list(each.shown.words), each.user, each.at, each.since,
                each.own, each.places, each.rewards, each.weight, each.reported,
            ]
            for request_id, each in choices.lists.items()
        ],
        "deviations": np.concatenate(deviations) if deviations else np.zeros(0, np.float32),
        "early": [
            [event.request_id, event.user, list(event.items), event.worth, event.whole]
            for events in choices.early.values()
            for event in events
        ],
        "pairs": [[user, item, times] for user, items in choices.pairs.items() for item, times in items.items()],
    }  # fmt: skip


def restore(choices: Choices, state: State) -> None:
    """Take over what `state_of` gave; `choices` is new."""
    choices.model.load_state(part("model", state))
    choices.count, choices.reports = float(state["count"]), int(state["reports"])
    choices.clock = EventClock(state["clock"])
    kinds = [tuple(names) for names in state["kinds"]]
    begin = 0
    for request_id, waiting, kind, items, words, user, at, since, *taught in state["lists"]:
        names = kinds[kind]
        end = begin + len(items) * len(names)
        deviations = state["deviations"][begin:end].reshape(len(items), -1)
        shown = ShownItems(tuple(items), names, tuple(words), deviations)
        begin = end
        choices.hold(request_id, Held(user, at, since, shown, *taught), waiting)
    for request_id, user, items, worth, whole in state["early"]:
        choices.wait(Early(request_id, user, tuple(items), worth, whole))
    for user, item, times in state["pairs"]:
        choices.pair(user, item, times)
