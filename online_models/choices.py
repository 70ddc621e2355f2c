"""Lists meet what became of them: which of the items shown were chosen, and the lessons that come of it.

A list is known by its request_id. It teaches when it is certain what was seen: with its first choice, with the
impression that reports it, or after a while without either. A choice counts whenever it comes while the list is kept:
the model needs no window for it (`click_model`). A choice or an impression may be read before its list: it waits.
Everything is bounded by counts and by event time, and the same calls in the same order learn the same bits.

>>> from recommender.decision import Decision
>>> from recommender.query import Parts, Recommendation, Versions
>>> from recommender.facts import Facts
>>> items = [Recommendation(name, None, 1.0, []) for name in ("a", "b")]
>>> facts = Facts(1, ["hour:8"], [-1, -1], [0.0, 0.0])
>>> choices = Choices()
>>> choices.served(Decision("r1", "u1", 5, {}, items, Parts(["x"], [[1.0], [1.0]]), [], Versions(0, ""), facts=facts))
>>> choices.chosen("r1", "u1", "b", 1.0)
>>> choices.count, choices.model.version
(1.0, 3)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from online_models.click_features import columns
from online_models.click_model import ClickModel, ShownItems
from online_models.event_clock import EventClock
from online_models.held_lists import UNSEEN, Early, Held
from recommender.decision import Decision
from recommender.facts import Facts

KEEP: Final = 20_000
KEEP_MS: Final = 7 * 86_400_000
"""So many lists are kept, and for so long (as `decisions` are), for choices that come late."""
WAIT_MS: Final = 10 * 60_000
"""A list without a choice and without an impression teaches after this."""
EARLY: Final = 10_000
"""So many events may wait for their list."""
PAIRS: Final = 50_000
"""Who chose what is remembered for so many choices."""
FREE: Final = 50
"""Up to so many kept lists of one user teach in full; of h, the last one teaches with a weight of FREE / h."""
FEW: Final = 3
"""So many choices of an item by one user teach its own weight."""
MOST_WORTH: Final = 10.0


class Choices:
    """The lists that were served, by request_id, and the model that learns from them.

    Parameters
    ----------
    keep, keep_ms
        How many lists are kept for late choices, and for how long in ms of the lists' own time.

    Attributes
    ----------
    count
        Choices learned, each with the weight of its list: the evidence behind the model.
    reports
        Impressions that found their list.
    """

    def __init__(self, model: ClickModel | None = None, keep: int = KEEP, keep_ms: int = KEEP_MS) -> None:
        self.model = model or ClickModel()
        self.keep, self.keep_ms = keep, keep_ms
        self.count = 0.0
        self.reports = 0
        self.clock = EventClock()
        self.lists: dict[str, Held] = {}
        self.waiting: dict[str, None] = {}
        self.early: dict[str, list[Early]] = {}
        self.pairs: dict[str, dict[str, int]] = {}
        self._pairs = 0
        self._by_user: dict[str, dict[str, None]] = {}
        self._waiting_events = 0

    def served(self, decision: Decision) -> None:
        """A list was served. One without `Decision.facts` was not made by the blend, and teaches nothing."""
        now = self.clock.tick(decision.timestamp)
        self._close(now)
        if decision.facts is None or not decision.items or decision.request_id == "":
            return
        known = self.lists.get(decision.request_id)
        items = tuple(item.item_id for item in decision.items)
        if known is not None and known.shown.items == items:
            return  # read again
        self._drop(decision.request_id)
        self._hold(decision, decision.facts, items, now)
        while len(self.lists) > self.keep:
            self._drop(next(iter(self.lists)))
        for event in self._take_early(decision.request_id):
            self._meet(self.lists[decision.request_id], event)

    def impression(self, request_id: str, user: str, items: Sequence[str], whole: bool) -> None:
        """These items of a list were seen: in this order, if `whole`; each at its place in the list otherwise."""
        self._event(Early(request_id, user, tuple(items), 0.0, whole))

    def chosen(self, request_id: str, user: str, item: str, worth: float) -> None:
        """An item was chosen out of a list. `worth` is the event's weight; of several, the largest counts."""
        self._event(Early(request_id, user, (item,), min(worth, MOST_WORTH), False))

    def forget(self, user: str, until: int) -> None:
        """Drop what waits and what is kept of a user, up to an event time; what was learned stays until a rebuild."""
        for request_id in list(self._by_user.get(user, ())):
            if self.lists[request_id].at <= until:
                self._drop(request_id)
        early, self.early, self._waiting_events = self.early, {}, 0
        for event in (event for events in early.values() for event in events if event.user != user):
            self.wait(event)
        self._pairs -= len(self.pairs.pop(user, ()))

    def wait(self, event: Early) -> None:
        """Keep an event until its list is read; what waits for the oldest request goes when there are too many."""
        self.early.setdefault(event.request_id, []).append(event)
        self._waiting_events += 1
        if self._waiting_events > EARLY:
            self._take_early(next(iter(self.early)))

    def pair(self, user: str, item: str, times: int = 1) -> None:
        """Remember that a user chose an item; whoever did so first goes when there are too many."""
        own = self.pairs.setdefault(user, {})
        self._pairs += item not in own
        own[item] = own.get(item, 0) + times
        if self._pairs > PAIRS:
            self._pairs -= len(self.pairs.pop(next(iter(self.pairs))))

    def hold(self, request_id: str, held: Held, waiting: bool = True) -> None:
        """Keep a list; `waiting`: nothing is known yet of what was seen of it."""
        self.lists[request_id] = held
        if waiting:
            self.waiting[request_id] = None
        if held.user is not None:
            self._by_user.setdefault(held.user, {})[request_id] = None

    def _hold(self, decision: Decision, facts: Facts, items: tuple[str, ...], now: int) -> None:
        user = decision.user_id
        values = np.array(decision.parts.values, np.float64).reshape(len(items), -1)[:, : facts.parts]
        known = columns(decision.parts.names[: facts.parts], values, facts.ages_ms, facts.counts)
        self.model.note(known)
        held = Held(
            user,
            decision.timestamp,
            min(decision.timestamp, now),
            ShownItems.of(items, known, facts.words),
            # Nobody lifts an item by choosing it again and again, nor under no name.
            [user is not None and self.pairs.get(user, {}).get(item, 0) < FEW for item in items],
            list(range(len(items))),
            [UNSEEN] * len(items),
            self._weight(user),
        )
        self.hold(decision.request_id, held)

    def _weight(self, user: str | None) -> float:
        """What the next list of a user counts."""
        return 1.0 if user is None else FREE / max(FREE, 1 + len(self._by_user.get(user, ())))

    def _event(self, event: Early) -> None:
        held = self.lists.get(event.request_id)
        if held is None:
            self.wait(event)
        else:
            self._meet(held, event)

    def _take_early(self, request_id: str) -> list[Early]:
        events = self.early.pop(request_id, [])
        self._waiting_events -= len(events)
        return events

    def _meet(self, held: Held, event: Early) -> None:
        if held.user is None:
            # A list for nobody in particular is theirs who answers it first, and counts among their lists.
            held.user, held.weight = event.user, self._weight(event.user)
            self._by_user.setdefault(event.user, {})[event.request_id] = None
        if held.user != event.user:
            return  # somebody else's list
        if event.worth > 0.0:
            self._choose(held, event)
        else:
            self._report(held, event)

    def _report(self, held: Held, event: Early) -> None:
        self.reports += 1
        held.reported = True
        self.waiting.pop(event.request_id, None)
        # A second report of a list goes on where the first ended: the user scrolled.
        before = sum(reward != UNSEEN for reward in held.rewards)
        for place, item in enumerate(event.items, before):
            at = held.find(item)
            if at >= 0 and held.rewards[at] == UNSEEN:
                if event.whole:
                    held.places[at] = place
                self._show(held, at)

    def _choose(self, held: Held, event: Early) -> None:
        at = held.find(event.items[0])
        if at < 0:
            return
        self.waiting.pop(event.request_id, None)
        if held.reported:
            self._show(held, at)
        else:
            self._show_all(held)
        more = event.worth - held.rewards[at]
        if more <= 0.0:
            return
        if held.rewards[at] == 0.0:
            self.count += held.weight
            self.pair(event.user, event.items[0])
        held.rewards[at] = event.worth
        self.model.learn(held.shown.features(at, held.places[at], held.own[at]), more, held.weight)

    def _show_all(self, held: Held) -> None:
        for at in range(len(held.rewards)):
            self._show(held, at)

    def _show(self, held: Held, at: int) -> None:
        """The lesson of an item that was shown: not chosen, up to now."""
        if held.rewards[at] == UNSEEN:
            held.rewards[at] = 0.0
            self.model.learn(held.shown.features(at, held.places[at], held.own[at]), 0.0, held.weight)

    def _close(self, now: int) -> None:
        """Lists that waited long enough teach; but where impressions are sent, what none reported was not seen."""
        while self.waiting and self.lists[first := next(iter(self.waiting))].since <= now - WAIT_MS:
            del self.waiting[first]
            if self.count and not self.reports:
                self._show_all(self.lists[first])
        while self.lists and self.lists[oldest := next(iter(self.lists))].since < now - self.keep_ms:
            self._drop(oldest)

    def _drop(self, request_id: str) -> None:
        held = self.lists.pop(request_id, None)
        self.waiting.pop(request_id, None)
        if held is not None and held.user is not None:
            own = self._by_user[held.user]
            del own[request_id]
            if not own:
                del self._by_user[held.user]
