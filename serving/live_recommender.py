"""The one `Recommender` behind all doors: reads what a question needs, then answers without waiting."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from online_models.blend import Blend
from online_models.click_weights import ClickWeights
from online_models.context_trends import Around
from recommender.query import (
    Query,
    Recommendation,
    Served,
    Standing,
    Unavailable,
    UnknownId,
    Versions,
)
from recommender.read_model import Forgetting, ReadModel
from serving import crowd
from serving.adjusting import House
from serving.asking import LOADING, Asking, NoVectors, VectorSource
from serving.evidence import Mf
from serving.item_lists import ItemLists
from serving.listing import Listing
from serving.portraits import item_page, portrait
from serving.scoring import Scoring
from serving.typed_texts import TextEncoder

NEWEST: Final = 5
"""How many of the newest items the status shows."""


class LiveRecommender:
    """`RecommenderService` over a read model and item vectors.

    Parameters
    ----------
    model
        The state: Redis' views, or a replay's memory.
    vectors
        The item vectors' index.
    encoder
        Turns typed text into vectors; without one, text queries are `Unavailable`.
    clock
        Wall time in ms for `expires_at` and ages of announcements; default: event time, as in a replay.
    blend, mf
        Learned weights of the parts, and the matrix factorisation; both may be set later on `scoring`.
    click_weights
        The click model's weights; without them lists are the blend's.
    figures
        More figures for the status, each a function that gives some.
    served
        Told the ids of each list that is served (for the items' life).
    prepare
        Awaited with the user's id before `mf` is asked.
    staleness
        How old the state may be, ms; default: always current, as in a replay.
    house
        What holds for every list: fatigue, a cap, rules, exploration.
    around
        Gives what is known of a context; default: nothing.
    """

    def __init__(
        self,
        model: ReadModel,
        vectors: VectorSource | None = None,
        encoder: TextEncoder | None = None,
        *,
        clock: Callable[[], int] | None = None,
        timer: Callable[[], float] = time.perf_counter,
        fresh_id: Callable[[], str] = lambda: secrets.token_hex(8),
        blend: Blend | None = None,
        mf: Mf | None = None,
        trained_after: int = 500,
        click_weights: ClickWeights | None = None,
        figures: Sequence[Callable[[], dict[str, Any]]] = (),
        served: Callable[[Sequence[str]], None] | None = None,
        prepare: Callable[[str], Awaitable[None]] | None = None,
        staleness: Callable[[], int] = lambda: 0,
        house: House | None = None,
        around: Callable[[Mapping[str, Any]], Around | None] | None = None,
    ) -> None:
        self.model = model
        self.vectors: VectorSource = vectors or NoVectors()
        self.scoring = Scoring(model, lambda: self.vectors.index, blend, mf, trained_after, click_weights)
        self._clock = clock or (lambda: model.counts.clock)
        self._timer = timer
        self._fresh_id = fresh_id
        self._figures = figures
        self._served = served
        self._staleness = staleness
        self._asking = Asking(model, self.vectors, encoder, self._clock, prepare, around)
        self._listing = Listing(model, self.scoring, house)
        self._lists = ItemLists(model, lambda: self.vectors.index)

    async def recommend(self, query: Query) -> Served:
        """A list for a user, a text, a history, or nobody in particular; raises `Unavailable`."""
        started = self._timer()
        request_id = query.request_id or self._fresh_id()
        if query.request_id != request_id:
            query = msgspec.structs.replace(query, request_id=request_id)  # chance goes by it
        await self.model.catch_up()
        # Read first: what is read afterwards includes at least this.
        position, stale = self.model.position(), self.staleness_ms()
        with self.model.numbering.question():
            ask = await self._asking.read(query)
            self.model.position()  # still there? A store that was emptied meanwhile has no answer
            made = self._listing.make(ask)
        items = made.items
        if not items:
            self._must_be_complete()
        if self._served is not None:
            self._served([item.item_id for item in items])
        return Served(
            request_id,
            query.user_id,
            round(1000.0 * (self._timer() - started), 3),
            {"interactions": position},
            items,
            made.left_out,
            stale,
            known=ask.known,
            parts=made.parts,
            seats=made.seats,
            facts=made.facts,
            versions=self.versions,
        )

    async def standing(self, query: Query, item_id: str) -> Standing:
        """One item as a list for this query sees it."""
        await self._settled()
        number = self.model.numbering.find(item_id)
        if number is None:
            return Standing(item_id, None, 0, 0.0, [], "unknown")
        with self.model.numbering.question():
            return self._listing.standing(await self._asking.read(query), number)

    @property
    def versions(self) -> Versions:
        """What lists are made with now, besides the log."""
        space = self.vectors.space if self.vectors.index is not None else ""
        return Versions(self.scoring.version, space, self.scoring.clicked.version)

    async def similar(self, item_id: str, n: int) -> list[Recommendation]:
        """Nearest by behaviour and by content; raises `UnknownId`."""
        number = await self._known(item_id)
        with self.model.numbering.question():
            row = (await self.model.rows([number]))[0]
            self.model.position()
            items = self._lists.similar(number, row, n, self._clock())
        if not items:
            self._must_be_complete()
        return items

    async def audience(self, item_id: str, n: int) -> list[tuple[str, float]]:
        """Among the users of the latest changes, who would most likely want an item; raises `UnknownId`."""
        number = await self._known(item_id)
        with self.model.numbering.question():
            row = (await self.model.rows([number]))[0]
            users = await self._asking.recent()
            self.model.position()
            found = crowd.audience(self.model, self.vectors.index, number, row, users)[:n]
        if not found:
            self._must_be_complete()
        return found

    async def trending(
        self, n: int, category: str | None = None, domain: str | None = None, window_ms: int = 86_400_000
    ) -> list[Recommendation]:
        """What is rising in a window of event time."""
        await self._settled()
        return self._lists.trending(n, category, domain, window_ms, self._clock())

    async def item(self, item_id: str) -> dict[str, Any]:
        """The item with `life` and `counts`; raises `UnknownId`."""
        number = await self._known(item_id)
        stale = self.staleness_ms()
        with self.model.numbering.question():
            life = await self.model.life(item_id)
            if (index := self.vectors.index) is not None and item_id not in index:
                life = {**life, "indexed": None}  # another process was first: who asks here does not find it here yet
            return {**item_page(self.model, number, life), "staleness_ms": stale}

    async def user(self, user_id: str) -> dict[str, Any]:
        """A user's interests and history; raises `UnknownId`."""
        stale = await self._settled()
        state = (await self.model.users([user_id]))[0]
        if state is None:
            raise UnknownId(f"user {user_id} is not known")
        return {**portrait(self.model, state), "staleness_ms": stale}

    async def export(self, user_id: str) -> dict[str, Any]:
        """All that is held of a user; raises `UnknownId`."""
        stale = await self._settled()
        held = await self.model.export(user_id)
        if held is None:
            raise UnknownId(f"user {user_id} is not known")
        return {**held, "staleness_ms": stale}

    async def forgetting(self, partition: int) -> Forgetting:
        """How far the forgets of a partition have come; raises `UnknownId`."""
        found = await self.model.forgetting(partition)
        if found is None:
            raise UnknownId(f"there is no partition {partition}")
        return found

    async def status(self) -> dict[str, Any]:
        """Figures for the page."""
        await self.model.catch_up()
        index = self.vectors.index
        out: dict[str, Any] = {
            **self.model.figures(),
            "index_size": len(index) if index is not None else 0,
            "staleness_ms": self.staleness_ms(),
            "versions": {"blend": self.scoring.version, "space": self.vectors.space},
        }
        try:
            out["position"] = {"interactions": self.model.position(), **out.pop("positions", {})}
        except Unavailable as error:
            out["unavailable"] = str(error)
        everything = np.ones(len(self.model.numbering), np.bool_)
        numbers = self.model.catalogue.newest(everything, NEWEST, self._clock()).tolist()
        newest = [(self.model.numbering.ids[number], self.model.catalogue.title(number)) for number in numbers]
        with contextlib.suppress(Unavailable):  # the other figures are known while the store is away
            out["newest"] = [
                {"item_id": name, "title": title, "life": await self.model.life(name)} for name, title in newest
            ]
        for more in self._figures:
            out.update(more())
        return out

    def ready(self) -> tuple[bool, str]:
        """Whether questions can be answered, and if not, why."""
        return self.model.ready()

    def staleness_ms(self) -> int:
        """How old the state behind an answer may be: see `serving.views.currency`. 0 when current."""
        return self._staleness()

    async def _settled(self) -> int:
        """The staleness of a state that can be answered from; raises `Unavailable`."""
        await self.model.catch_up()
        self.model.position()
        return self.staleness_ms()

    def _must_be_complete(self) -> None:
        """An empty answer is only one when nothing is still to come."""
        if not self.vectors.complete:
            raise Unavailable(LOADING)

    async def _known(self, item_id: str) -> int:
        await self._settled()
        number = self.model.numbering.find(item_id)
        if number is None or (number not in self.model.catalogue.items and not self.model.counts.last[number]):
            raise UnknownId(f"item {item_id} is not known")
        return number
