"""Questions to the recommender and its answers (contract section 4)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from recommender.facts import Facts
from recommender.seats import Seat

STRATEGIES = ("default", "popularity", "item_item", "user_user", "sequence", "mf", "content", "hybrid")
RULES = ("seen", "hidden", "disliked", "excluded", "filtered", "unavailable", "expired", "capped")

Count = Annotated[int, msgspec.Meta(ge=1, le=100)]
Dial = Annotated[float, msgspec.Meta(ge=0, le=1)]
Cap = Annotated[
    int, msgspec.Meta(ge=1, le=100, description="At most so many items of one category; a list may then be shorter.")
]
SomeIds = Annotated[list[str], msgspec.Meta(max_length=200)]
ManyIds = Annotated[list[str], msgspec.Meta(max_length=1000)]


class Filters(msgspec.Struct, frozen=True, omit_defaults=True):
    """Only items of this category, domain or language, announced at most `max_age_s` seconds ago."""

    category: str | None = None
    domain: str | None = None
    language: str | None = None
    max_age_s: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Boost(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule of the house: what has all that is named here gets `boost` added to its score, as the part `rule`.

    attribute names one of the item's attributes: its value equals `equals`, or is a number within `at_least` and
    `at_most`, or is there at all. A negative boost buries.
    """

    boost: Annotated[float, msgspec.Meta(ge=-1000, le=1000)]
    category: str | None = None
    domain: str | None = None
    language: str | None = None
    attribute: str | None = None
    equals: str | float | bool | None = None
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.category is None and self.domain is None and self.language is None and self.attribute is None:
            raise ValueError("a rule names a category, a domain, a language or an attribute")
        if self.attribute is None and not (self.equals is None and self.at_least is None and self.at_most is None):
            raise ValueError("equals, at_least and at_most are about an attribute: name it")


class Query(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of `POST /v1/recommendations`: a user, a text, a history, or none of them.

    history: items that were chosen, oldest first; session: items looked at just now, oldest first, which may be
    listed again; attributes: of the user, in place of those of their profile; same_as: other ids of the same person.
    shown: items of the lists before this one; fatigue: how dearly those shown lately without being chosen pay, None
    for the setting; max_per_category: None for the setting; rules: besides those of the settings.
    """

    user_id: str | None = None
    text: Annotated[str, msgspec.Meta(max_length=100_000)] | None = None
    history: SomeIds = []
    session: SomeIds = []
    attributes: dict[str, Any] | None = None
    same_as: Annotated[list[str], msgspec.Meta(max_length=10)] = []
    n: Count = 10
    filters: Filters = Filters()
    exclude: ManyIds = []
    context: dict[str, Any] | None = None
    diversity: Dial = 0.0
    calibration: Dial = 0.0
    fatigue: Dial | None = None
    shown: ManyIds = []
    max_per_category: Cap | None = None
    rules: Annotated[list[Boost], msgspec.Meta(max_length=50)] = []
    strategy: str = "default"
    repeat: bool = False
    explain: bool = False
    request_id: str | None = None


class Reason(msgspec.Struct, frozen=True):
    """One part of a score, and the items of the user's history behind it."""

    part: str
    score: float
    because: list[str] = []


class Recommendation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of a list; with `explain` the reasons add up to the score (to 1e-6).

    Where a list says why (with `explain`, in what is rising or similar), events is how many events the item had, and
    counted how many of them counted: one account reaches only so far.
    """

    item_id: str
    title: str | None
    score: float
    sources: list[str]
    reasons: list[Reason] | None = None
    events: int | None = None
    counted: float | None = None


class LeftOut(msgspec.Struct, frozen=True):
    """An item that would have been in the list but for a rule out of `RULES`."""

    item_id: str
    rule: str


class Parts(msgspec.Struct, frozen=True):
    """The parts of the scores of a whole list: names [F] and, for each item in the list's order, values [F].

    A row's values add up to its item's score (to 1e-6); newcomers' seats and the price of diversity are parts too.
    """

    names: list[str]
    values: list[list[float]]


class Versions(msgspec.Struct, frozen=True):
    """What a list was made with besides the log: the version of the blend's weights (0: those it starts with), the
    identity of the vectors' space that the index holds (empty: no index), and the version of the click model's weights
    (0: it has no say).
    """

    weights: int
    index: str
    clicks: int = 0


class Standing(msgspec.Struct, frozen=True):
    """One item as a user's list sees it: its score, the parts of it, and its place among all candidates.

    place: from 1, by score alone (no seat for newcomers, no diversity); None where a rule leaves the item out, and then
    left_out names it. left_out is also `unknown`: an item that was neither announced nor used.
    """

    item_id: str
    place: int | None
    candidates: int
    score: float
    reasons: list[Reason]
    left_out: str | None = None


class RecommendationList(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer: items in score order, and the position of the state that it includes.

    staleness_ms: how old that state may be, by the workers' own word and this process's last look at it: ms since both
    knew it to be current, where that is more than the few seconds that reporting takes; 0 when current.
    """

    request_id: str
    user_id: str | None
    took_ms: float
    position: dict[str, list[int]]
    items: list[Recommendation]
    left_out: list[LeftOut] | None = None
    staleness_ms: int | None = None

    def answered(self) -> RecommendationList:
        """The list as it is answered."""
        return self


class Served(RecommendationList, frozen=True, kw_only=True, omit_defaults=True):
    """A list with what its record needs besides, and its answer does not show; known: does the user have a history."""

    known: bool = False
    parts: Parts
    versions: Versions
    facts: Facts | None = None
    seats: list[Seat] = []

    def answered(self) -> RecommendationList:
        """The list without its record."""
        return RecommendationList(
            self.request_id, self.user_id, self.took_ms, self.position, self.items, self.left_out, self.staleness_ms
        )


class Unavailable(Exception):
    """The answer cannot be given now (store away, state catching up, encoder away): a 503."""

    def __init__(self, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class UnknownId(LookupError):
    """The item or user that was asked for is not known: a 404."""
