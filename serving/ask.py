"""A question with all that was read for it, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from online_models.context_trends import FIELDS, Around
from online_models.kernels import RING
from online_models.sessions import gap_ms, votes_in_session
from recommender.event_types import EventTypes
from recommender.fatigue import ShownLists
from recommender.numbering import Array
from recommender.query import Query
from recommender.read_model import History, UserState
from recommender.vectors import Vector

SEEN_ELSEWHERE: Final = 1.0
"""What an item of a question's own `history` weighs: a click."""
NO_HISTORY: Final = History()
LONGEST: Final = 2_000
"""Characters of a user's attributes that are read as a text."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What an answer is made from.

    known: whether the user has a history of their own; history: of the user, the ids in `same_as` and the question,
    oldest first; ring: its newest items that vote, newest first, with their rows; chosen, refused: item numbers; taste:
    the vector of the user's interests; text, profile: those of what was typed and of what the user says of themself;
    crowd: item numbers and scores from users alike; shown: the lists that were shown to them lately; around: what is
    liked in the question's context; total: interactions ever; now_ms: event time; wall_ms: what `expires_at` and
    `max_age_s` go by.
    """

    query: Query
    known: bool = False
    total: int = 0
    history: History = field(default_factory=History)
    chosen: frozenset[int] = frozenset()
    refused: dict[int, str] = field(default_factory=dict)
    ring: Sequence[int] = ()
    rows: Sequence[Array] = ()
    taste: Vector | None = None
    text: Vector | None = None
    profile: Vector | None = None
    crowd: tuple[Array, Array] | None = None
    shown: ShownLists = field(default_factory=ShownLists)
    around: Around | None = None
    now_ms: int = 0
    wall_ms: int = 0

    @property
    def session(self) -> int:
        """How many of the ring's newest items belong to the session under way."""
        newest = slice(-1, -1 - min(RING, len(self.history)), -1)
        return votes_in_session(self.history.times[newest], self.history.weights[newest], self.now_ms)

    @property
    def gap_ms(self) -> float:
        """Time since the user was last heard of; negative for somebody without a history."""
        return gap_ms(self.history.times[::-1], self.now_ms)


def extra_of(history: Sequence[int], session: Sequence[int], types: EventTypes, now_ms: int) -> History:
    """A question's own items as a history, of now: first those that were chosen, then those looked at."""
    if not (history or session):
        return NO_HISTORY
    codes = [types.codes["click"]] * len(history) + [types.codes["view"]] * len(session)
    return History(
        np.array([*history, *session], np.int64),
        np.full(len(codes), now_ms, np.int64),
        np.array([SEEN_ELSEWHERE] * len(history) + [types.weights["view"]] * len(session)),
        np.array(codes, np.int64),
    )


def merged(states: Sequence[UserState], extra: History) -> History:
    """One history out of several, by time; `extra`, of the question, is taken as the newest."""
    own = [state.history for state in states if len(state.history)]
    parts = [*own, extra] if len(extra) else own
    if len(parts) <= 1:
        return parts[0] if parts else NO_HISTORY
    times = np.concatenate([np.zeros(0, np.int64), *(part.times for part in own)])
    # Only rings of several ids are mixed by time; one ring keeps its own order, whatever its clocks said.
    order = np.argsort(times, kind="stable") if len(own) > 1 else np.arange(len(times))
    order = np.concatenate((order, np.arange(len(times), len(times) + len(extra))))
    return History(
        np.concatenate([part.items for part in parts])[order],
        np.concatenate([part.times for part in parts])[order],
        np.concatenate([part.weights for part in parts])[order],
        np.concatenate([part.codes for part in parts])[order],
    )


def words_of(attributes: Mapping[str, Any]) -> str | None:
    """The texts among a user's attributes as one: what they say of themself without a text of its own.

    >>> words_of({"age": 30, "likes": ["jazz", "films about the sea"]})
    'jazz, films about the sea'
    """
    texts: list[str] = []
    for name, value in attributes.items():
        if name not in FIELDS:  # where somebody is, and by what they came, says nothing of their taste
            texts.extend(each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))
    return ", ".join(texts)[:LONGEST] or None


def voting(history: History) -> list[int]:
    """The items that vote: of the newest ones, newest first, those that were not refused."""
    newest = slice(-1, -1 - min(RING, len(history)), -1)
    numbers: list[int] = history.items[newest][history.weights[newest] >= 0].tolist()
    return numbers


def choices_of(types: EventTypes) -> Array:
    """Which types choose an item, [types] by code: click and stronger."""
    return np.array([types.is_choice(name) for name in types.names])


def chosen_items(history: History, choices: Array) -> frozenset[int]:
    """The items that were chosen; `choices`: of `choices_of`."""
    return frozenset(history.items[choices[history.codes]].tolist())
