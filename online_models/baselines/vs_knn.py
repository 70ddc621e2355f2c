"""VS-kNN: what the sessions did that are most like what the user does now, as STAN weighs them.

Of the newest sessions that share an item with the user's newest items, the nearest ones vote for their items. A shared
item counts less the older it is in the user's history; a session counts less the older and the longer it is; an item
counts less the farther it stands from the shared one.

Sources: Ludewig, Jannach, "Evaluation of session-based recommendation algorithms" (UMUAI 2018), V-SkNN; Garg, Gupta,
Malhotra, Vig, Shroff, "Sequence and time aware neighborhood for session-based recommendations: STAN" (SIGIR 2019).
Unlike there, users have names: a user's newest items are taken from earlier sessions too.

>>> model = VSkNN()
>>> for user in ("u1", "u2"):
...     for item in ("alien", "aliens"):
...         model.learn_one(user, item, 1.0, {"timestamp": 1000})
>>> model.learn_one("me", "alien", 1.0, {"timestamp": 2000})
>>> model.recommend("me", k=1, exclude=["alien"])
['aliens']
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import numpy.typing as npt
from numba import njit

from online_models.base import Context, Floats, Id, event_time
from online_models.baselines.histories import Histories
from online_models.baselines.personal import Personal
from online_models.baselines.sessions import Sessions
from online_models.ids import plain
from online_models.popularity import DAY_MS
from online_models.state import State, nested, part

Places = npt.NDArray[np.int64]

GAP_MS = 1_800_000


@njit(cache=True)
def _votes(
    queried: Places,
    weights: Floats,
    matches: Places,
    ages: Floats,
    items: Places,
    lengths: Places,
    nearest: int,
    reach: float,
    out: Floats,
) -> None:
    """Add the votes of sessions (newest first, one a row of `items`) for their items to `out`.

    matches: scratch space, a number a session. ages: what is left of each session's weight, 0 to 1.
    """
    likeness = np.zeros(len(items))
    for session in range(len(items)):
        matches[session] = -1
        for query in range(len(queried)):
            for place in range(lengths[session]):
                if items[session, place] == queried[query]:
                    likeness[session] += weights[query]
                    if matches[session] < 0:
                        matches[session] = place
        likeness[session] *= ages[session] / np.sqrt(lengths[session])
    order = np.argsort(-likeness, kind="mergesort")[:nearest]
    if not len(order) or likeness[order[0]] <= 0.0:
        return
    most = likeness[order[0]]
    for session in order:
        shared = matches[session]
        for place in range(lengths[session]):
            if place != shared and shared >= 0:
                out[items[session, place]] += likeness[session] / most * np.exp(-abs(place - shared) / reach)


class VSkNN(Personal):
    """Nearest sessions.

    Parameters
    ----------
    gap_ms
        A user's next event after so long begins a session.
    newest, fade
        So many of the user's newest items are matched, each with `fade` times the weight of the next newer one.
    sample, nearest
        The newest so many sessions are compared, and the nearest so many of these vote.
    session_half_life_ms
        What halves a session's weight, in event time.
    reach
        Places after which an item's weight beside the shared one has fallen to 1 / e.
    sessions, length, postings, max_users
        Bounds: sessions remembered, their newest items, the newest sessions of an item, users.
    """

    def __init__(
        self,
        *,
        gap_ms: int = GAP_MS,
        newest: int = 10,
        fade: float = 0.7,
        sample: int = 500,
        nearest: int = 100,
        session_half_life_ms: float = 14 * DAY_MS,
        reach: float = 3.0,
        sessions: int = 100_000,
        length: int = 20,
        postings: int = 200,
        max_users: int = 200_000,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        self.gap_ms, self.fade, self.sample, self.nearest = gap_ms, fade, sample, nearest
        self.session_half_life_ms, self.reach, self.max_users = session_half_life_ms, reach, max_users
        self._taken = Histories(max_users, newest, distinct=True)
        self._past = Sessions(sessions, length, postings)
        self._open: dict[Hashable, tuple[int, int]] = {}  # by user: the running session's number and newest time

    def _take(self, user: Id, place: int, weight: float, x: Context) -> None:
        if weight <= 0.0:
            return
        name, when = plain(user), event_time(x)
        at = self._clock.now if when is None else when
        number, before = self._open.pop(name, (-1, 0))
        # A gap in either direction: a wrong clock ends a session, and no more.
        if not self._past.live(number) or abs(at - before) > self.gap_ms:
            number = self._past.begin()
        self._past.add(number, place, at)
        self._open[name] = (number, at)
        if len(self._open) > self.max_users:
            del self._open[next(iter(self._open))]
        self._taken.add(user, place)

    def _personal(self, user: Id, now: int) -> Floats | None:
        queried = np.array(self._taken.of(user)[::-1], np.int64)
        if not len(queried):
            return None
        out, past = np.zeros(len(self._items)), self._past
        found = np.unique(np.concatenate([past.having(item) for item in queried.tolist()]))
        running = self._open[user][0] if user in self._open else -1
        found = found[(found > past.latest - past.size) & (found != running)][::-1][: self.sample]
        slots = found % past.size
        ages = np.exp2(-np.maximum(now - past.times[slots], 0) / self.session_half_life_ms)
        weights = self.fade ** np.arange(len(queried), dtype=np.float64)
        scratch = np.zeros(len(slots), np.int64)
        _votes(
            queried, weights, scratch, ages, past.items[slots], past.lengths[slots], self.nearest, self.reach, out
        )  # fmt: skip
        return out

    def state_dict(self) -> State:
        """Popularity, the sessions, the running ones, and the users' newest items."""
        runs = np.array(list(self._open.values()), np.int64).reshape(-1, 2)
        return {
            **super().state_dict(),
            **nested("taken", self._taken.state()),
            **nested("past", self._past.state()),
            "open": list(self._open),
            "runs": runs,
        }

    def load_state(self, state: State) -> None:
        """Take the state over."""
        super().load_state(state)
        self._taken.restore(part("taken", state))
        self._past.restore(part("past", state))
        runs = ((number, at) for number, at in state["runs"].tolist())
        self._open = dict(zip(state["open"], runs, strict=True))
