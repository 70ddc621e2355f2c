"""The default model: the exact tier's evidence on some 450 candidates, weighed by the blend.

On every event it first ranks (as it would have been asked), lets the blend learn from what was taken, then folds the
event. In a deployment the worker folds and a trainer learns; here both are in one process and one order, so the whole
model is a function of its events.

>>> model = Default()
>>> for user in ("u1", "u2", "u3"):
...     for at, item in enumerate(("a", "b"), start=1):
...         model.learn_one(user, item, 1.0, {"timestamp": at})
>>> model.learn_one("u4", "a", 1.0, {"timestamp": 3})
>>> model.recommend("u4", k=1, exclude=["a"])
['b']
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from online_models import candidates
from online_models.base import Context, Event, Floats, Id, best_first, event_time, leading, top
from online_models.blend import Blend
from online_models.caps import Caps
from online_models.covisits import VOTES, Covisits
from online_models.exact import Array, ExactRanker, key
from online_models.features import CONTENT, FACTS, MF, NAMES, START, clear_evidence, feature_matrix
from online_models.gather import gather
from online_models.item_content import ItemContent
from online_models.kernels import RING, SCALE
from online_models.leaders import Leaders
from online_models.mf_part import MfPart
from online_models.own_items import OwnItems
from online_models.renumbering import SPARE, Renumbering
from online_models.rings import UserRow
from online_models.river_mf import BiasedMF
from online_models.state import State, nested, part
from online_models.view import NOBODY, View

FAST, SLOW = 1, 3
"""Which of the half-lives give candidates: a day and a month."""
ROOM: Final = 1024
"""Work space for so many candidates is kept; all items of a catalogue get theirs for the moment."""
FEW: Final = 8
MOST_ALIKE: Final = 2
"""An item that a user took more than a few times, and more often than one time in so many lately, teaches nothing:
whoever does one thing over and over would teach it to the weights of all. (Favourites are no such thing: with a
stricter rule, 3 times and one in 4, a music stream lost 5 % of HR@10 and 24 % of NDCG@10.)"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A user's candidates [n] and their features [n, F]: whoever is tested on an event is then taught by the same."""

    view: View
    indexes: Array
    features: Floats


class Default(ExactRanker):
    """Item-item, popularity at four half-lives, ages, content and River's BiasedMF, blended by what users take.

    Parameters
    ----------
    fade
        How much less each older item of the user's ring counts in the item-item part.
    n_factors
        Length of the matrix factorisation's vectors.
    caps
        How many users and items are known, and how far one account reaches. Default: nobody leaves.
    """

    def __init__(self, fade: float = 0.9, n_factors: int = 10, seed: int = 0, caps: Caps | None = None) -> None:
        super().__init__(seed=seed, caps=caps)
        self.fade, self.n_factors = fade, n_factors
        self.blend = Blend(NAMES, START)
        self.mf = BiasedMF(n_factors=n_factors, max_users=self.caps.users, max_items=self.caps.items, seed=seed)
        self.content = ItemContent()
        self._mf_part = MfPart(self.mf)
        self._leaders = Leaders(candidates.BY_POPULARITY, (FAST, SLOW))
        self._covisits = Covisits(fade, most=VOTES)
        self._own = OwnItems()
        self._mark = np.zeros(1024, np.uint8)  # work space: which items are in a set
        self._rooms = _rooms(ROOM)
        self._asked: Asked | None = None

    def _learn(self, user: Id, item: Id, weight: float, x: Context) -> None:
        index = self._index(item)
        row = None if index is None else self._user(user)
        teaches = row is None or index is None or self._teaches(row, index)
        if weight > 0.0 and index is not None and teaches:
            self._learn_blend(user, row, index, event_time(x))
        self.count_many([(user, item, weight, x)])
        if weight != 0.0 and teaches:
            self.mf.learn_one(user, item, weight)
            self._mf_part.note(self.state.dictionary.index[key(item)], item)

    def count_many(self, events: Sequence[Event]) -> None:
        """Fold events as `learn_one` does, without a lesson for the weights: a trainer's events beyond its share."""
        self._asked = None
        indexes = np.array(list(dict.fromkeys(self._fold(events))), np.int64)
        self._leaders.update(indexes, self.state.stats.table)
        if len(self._names) > 2 * self.caps.items + SPARE:
            self.renumber()

    def renumber(self) -> None:
        """Give back the places that items which left had taken; what is known of those that stay is as it was."""
        n, fresh = len(self._names), Renumbering(self.state.dictionary.names)
        content = self.content.state_dict(n)
        for space in ("vectors", "texts"):
            content.update(nested(space, fresh.space(part(space, content))))
        leaders = fresh.leaders(self._leaders.state_dict(n))
        ExactRanker.load_state(self, fresh.exact(ExactRanker.state_dict(self), len(self.state.types.names)))
        self.content.load_state(content)
        self._leaders.load_state(leaders)
        self._follow_mf()

    def _follow_mf(self) -> None:
        self._mf_part.start({name: self.state.dictionary.index.get(key(name)) for name in self.mf.items.slots})

    def forget_user(self, user: Id, until: int) -> None:
        """Drop what is held of a user, and ignore their events up to an event time in ms.

        What others' rows and the weights learned from them stays: only a rebuild from the log takes that back.
        """
        self._asked = None
        self._users.erase(self.state, key(user), until)
        self.mf.forget_user(user)

    def _teaches(self, row: UserRow, index: int) -> bool:
        """May the user's next event on an item change what is learned for all?"""
        if not self.state.caps.influence:
            return True
        lately = row.items[-RING:]
        same = int((lately == index).sum())
        return same < FEW or same * MOST_ALIKE <= len(lately)

    def _learn_blend(self, user: Id, row: UserRow | None, index: int, at: int | None) -> None:
        """Let the blend learn that the user took the item, if it was among those they might have been shown."""
        asked = self._asked
        if asked is None or (asked.view.user, asked.view.now) != (user, self._as_of(at)):
            asked = self._ask(user, row, at)
        target = np.flatnonzero(asked.indexes == index)
        if len(target):
            self.blend.learn(asked.features, int(target[0]), asked.view.history, asked.view.gap)

    def _ask(self, user: Id, row: UserRow | None, at: int | None) -> Asked:
        """The candidates of a user; they hold until the next event, and until others are asked for."""
        with self._look(user, row, at) as view:
            indexes = self._candidates(view)
            self._asked = Asked(view, indexes, self._features(view, indexes))
        return self._asked

    def _as_of(self, at: int | None) -> int:
        return self.state.clock.now if at is None else at

    @contextmanager
    def _look(self, user: Id, row: UserRow | None, at: int | None) -> Iterator[View]:
        """What is known of a user; the work tables are filled meanwhile."""
        rows, n = self.state.rows, len(self._names)
        if n > len(self._mark):
            self._mark = np.zeros(2 * n, np.uint8)
        row = NOBODY if row is None else row
        view = View.of(user, row, self._as_of(at))
        counts = self.state.stats.table["count"][:n]
        touched = self._covisits.read(
            view.ring, counts, rows.offset, rows.length, rows.entries, view.session, float(SCALE)
        )
        try:
            yield view.with_items(touched, self._own.read(row.items, row.times, row.weights, n))
        finally:
            self._own.clear()
            self._covisits.clear()

    def _candidates(self, view: View) -> Array:
        """Indexes of the items that are scored, each once."""
        n = len(self._names)
        if n <= candidates.ALL:
            several = np.arange(n)
        else:
            near = candidates.best_covisits(view.touched, self._covisits.table, self._own.table, candidates.BY_COVISITS)
            alike = self.content.near(view.ring[: candidates.BY_CONTENT], candidates.NEIGHBOURS)
            newest = np.arange(n - candidates.BY_AGE, n)
            several = np.concatenate((view.own, near, self._leaders.of(0), self._leaders.of(1), alike, newest))
        return np.asarray(candidates.distinct(several, self.state.dictionary.tie, self._mark))

    def _features(self, view: View, indexes: Array) -> Floats:
        """The blend's features of some items, [n, F]; they hold until the next call."""
        self._asked = None
        n = len(indexes)
        evidence, matrix = self._rooms if n <= ROOM else _rooms(n)
        evidence = clear_evidence(evidence[:n])
        gather(
            indexes, view.now, self.state.stats.table, self._announced, self._covisits.table, self._own.table, evidence
        )
        evidence[:, CONTENT : CONTENT + 3] = self.content.likeness(view.ring, indexes)
        evidence[:, MF] = self._mf_part.of(view.user, indexes)
        return feature_matrix(evidence, matrix[:n])

    def _score(self, view: View, indexes: Array) -> Floats:
        return self.blend.score(self._features(view, indexes), view.history, view.gap)

    def predict_one(self, user: Id, item: Id, x: Context | None = None) -> float:  # type: ignore[override]
        """The item's score at the context's time; 0 for an unknown item."""
        return self._scores_of(user, [item], event_time(x or {}))[0][1]

    def parts_of(self, user: Id, items: Collection[Id], at: int | None = None) -> Floats:
        """What each of `NAMES` adds to the scores of some known items at an event time in ms, [n, F]."""
        with self._look(user, self._user(user), at) as view:
            indexes = np.array([self.state.dictionary.index[key(item)] for item in items], np.int64)
            return self.blend.parts(self._features(view, indexes), view.history, view.gap)

    def rank(self, user: Id, items: Iterable[Id], x: Context | None = None) -> list[Id]:
        """`items`, best first; ties by id."""
        scored = self._scores_of(user, list(dict.fromkeys(items)), event_time(x or {}))
        return [item for item, _ in sorted(scored, key=best_first)]

    def _scores_of(self, user: Id, items: list[Id], at: int | None) -> list[tuple[Id, float]]:
        places = {item: index for item in items if (index := self._index(item)) is not None}
        with self._look(user, self._user(user), at) as view:
            found = self._score(view, np.array(list(places.values()), np.int64))
        scores = dict(zip(places, found.tolist(), strict=True))
        return [(item, scores.get(item, 0.0)) for item in items]

    def scores(self, user: Id, at: int | None = None) -> Floats:
        """The score of every known item, [n]."""
        with self._look(user, self._user(user), at) as view:
            return self._score(view, np.arange(len(self._names)))

    def scored(self, user: Id, k: int, exclude: Collection[Id] = (), at: int | None = None) -> list[tuple[Id, float]]:
        """The `k` best candidates and their scores, without `exclude`; every item is one if they are fewer than `k`."""
        gone = np.array([i for item in exclude if (i := self._index(item)) is not None], np.int64)
        indexes, scores = self._scored(user, k, gone, at)
        # Most candidates stay behind: only those that may be in the list are looked up by name.
        best = leading(scores, k)
        return top([self._names[index] for index in indexes[best].tolist()], scores[best], k)

    def hits(self, user: Id, index: int, k: int, gone: Array, at: int) -> bool:
        """Would an item be among the `k` best at an event time in ms, if all that tie with it came before it?

        index, gone: indexes of the item and [n] of those that are left out.
        """
        indexes, scores = self._scored(user, k + 1, gone, at)
        own = scores[indexes == index]
        return bool(len(own)) and int((scores >= own[0]).sum()) <= k

    def _scored(self, user: Id, k: int, gone: Array, at: int | None) -> tuple[Array, Floats]:
        """Candidates without `gone` and their scores; every item is one if they are fewer than `k`."""
        row, tie = self._user(user), self.state.dictionary.tie
        asked = self._ask(user, row, at)
        free = candidates.free(asked.indexes, gone, tie, self._mark)
        if np.count_nonzero(free) >= k:
            return asked.indexes[free], self.blend.score(asked.features, asked.view.history, asked.view.gap)[free]
        everything = np.arange(len(self._names))
        everything = everything[candidates.free(everything, gone, tie, self._mark)]
        with self._look(user, row, at) as view:
            return everything, self._score(view, everything)

    def add_item(
        self, item: Id, vector: npt.ArrayLike | None = None, text: str | None = None, timestamp: int | None = None
    ) -> None:
        """Make an item known, and what it is about: by its vector, without one by the words of its text."""
        if vector is not None:
            self.content.check(vector)
        self._asked = None
        super().add_item(item, timestamp=timestamp)
        self.content.put(self.state.dictionary.index[key(item)], vector, text)

    def state_dict(self) -> State:
        """The exact tier, the blend, the matrix factorisation, what items are about, the leaders."""
        n = len(self._names)
        return {
            **super().state_dict(),
            **nested("blend", self.blend.state_dict()),
            **nested("mf", self.mf.state_dict()),
            **nested("content", self.content.state_dict(n)),
            **nested("leaders", self._leaders.state_dict(n)),
        }

    def load_state(self, state: State) -> None:
        """Take the state over."""
        self._asked = None
        super().load_state(state)
        self.blend.load_state(part("blend", state))
        self.mf.load_state(part("mf", state))
        self.content.load_state(part("content", state))
        self._leaders.load_state(part("leaders", state))
        self._follow_mf()


def _rooms(most: int) -> tuple[Floats, Floats]:
    """Work space for the evidence and the features of so many."""
    return np.zeros((most, FACTS)), np.zeros((most, len(NAMES)))
