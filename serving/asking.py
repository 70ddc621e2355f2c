"""Reading what a question needs before anything is computed: the user, neighbour rows, vectors of texts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from embedding_worker.vector_index import VectorIndex
from online_models.context_trends import Around
from online_models.kernels import RING
from recommender.interests import Interests, build_interests
from recommender.numbering import Array
from recommender.query import Query, Unavailable
from recommender.read_model import History, ReadModel, UserState
from recommender.vectors import Vector
from serving import crowd
from serving.ask import Ask, choices_of, chosen_items, extra_of, merged, voting, words_of
from serving.item_vectors import ItemVectors
from serving.typed_texts import TextEncoder, TypedTexts

NOBODY: Final = UserState("")
LOADING: Final = "the item vectors are being loaded"


class VectorSource(Protocol):
    """Where item vectors are found: an index that may be replaced by one of another space."""

    @property
    def complete(self) -> bool:
        """Whether all vectors that there were at the start have been taken in."""
        ...

    @property
    def index(self) -> VectorIndex | None:
        """The index in use; None before the first vector."""
        ...

    @property
    def space(self) -> str:
        """The identity of its vectors' space."""
        ...


class NoVectors:
    """A source without vectors."""

    complete: bool = True
    index: VectorIndex | None = None
    space: str = ""


class Asking:
    """Turns a `Query` into an `Ask`.

    Parameters
    ----------
    model, vectors
        The state, and the item vectors' index.
    encoder
        Turns typed text into vectors; without one, text queries are `Unavailable`.
    clock
        Wall time in ms.
    prepare
        Awaited with the id of who asks, before `mf` is asked about them.
    around
        Gives what is known of a context.
    """

    def __init__(
        self,
        model: ReadModel,
        vectors: VectorSource,
        encoder: TextEncoder | None,
        clock: Callable[[], int],
        prepare: Callable[[str], Awaitable[None]] | None = None,
        around: Callable[[Mapping[str, Any]], Around | None] | None = None,
    ) -> None:
        self.model = model
        self.vectors = vectors
        self._located = ItemVectors(model.numbering, lambda: vectors.index)
        self._texts = TypedTexts(encoder)
        self._clock = clock
        self._prepare = prepare
        self._around = around
        self._choices = choices_of(model.types)

    async def read(self, query: Query) -> Ask:
        """The question with the user, those they are the same as, rows, texts. Raises `Unavailable`."""
        states = await self._prepared(query)
        known = bool(states and states[0].total)
        own = states[0] if states else NOBODY
        now = self.model.counts.clock
        numbering = self.model.numbering
        extra = extra_of(numbering.found(query.history), numbering.found(query.session), self.model.types, now)
        history = merged(states, extra)
        ring = voting(history)
        if query.text and not self.vectors.complete:
            raise Unavailable(LOADING)
        text = await self._texts.typed(query.text, self.vectors.space) if query.text else None
        attributes = query.attributes or (own.profile.attributes if own.profile else None) or {}
        said = (own.profile.text if own.profile else None) or words_of(attributes)
        profile = await self._texts.said(said, self.vectors.space) if said else None
        neighbours = None
        if query.strategy == "user_user":
            others = [user for user in await self.recent() if user.user_id != query.user_id]
            neighbours = crowd.alike(self.model, ring, others)
        plain = len(states) == 1 and not len(extra)
        return Ask(
            query,
            known=known,
            total=sum(state.total for state in states) + len(extra),
            history=history,
            chosen=chosen_items(history, self._choices),
            refused=_refusals(states),
            ring=ring,
            rows=await self._rows(ring),
            taste=self._taste(history, own.interests if plain else None, now),
            text=self._fitting(text),
            profile=self._fitting(profile),
            crowd=neighbours,
            shown=own.shown,
            around=self._around({**attributes, **(query.context or {})}) if self._around else None,
            now_ms=now,
            wall_ms=self._clock(),
        )

    async def _prepared(self, query: Query) -> list[UserState]:
        """`_states`, while `prepare` does what it does: both wait for the store, so they wait together."""
        if self._prepare is None or query.user_id is None:
            return await self._states(query)
        states, _ = await asyncio.gather(self._states(query), self._prepare(query.user_id))
        return states

    async def _states(self, query: Query) -> list[UserState]:
        """Who asks, if anything is held of them, then those they are the same as."""
        own = (await self.model.users([query.user_id]))[0] if query.user_id is not None else None
        others = [*(own.profile.same_as if own and own.profile else ()), *query.same_as]
        others = [other for other in dict.fromkeys(others) if other != query.user_id]
        same = [state for state in await self.model.users(others) if state] if others else []
        if own is None:
            own = NOBODY
        return [own, *same] if same or own is not NOBODY else []

    async def recent(self) -> list[UserState]:
        """The users with the latest changes."""
        names = await self.model.recent_users(crowd.ASKED)
        return [state for state in await self.model.users(names) if state]

    async def _rows(self, ring: Sequence[int]) -> list[Array]:
        distinct = list(dict.fromkeys(ring))
        rows = dict(zip(distinct, await self.model.rows(distinct), strict=True)) if distinct else {}
        return [rows[number] for number in ring]

    def _taste(self, history: History, stored: Interests | None, now: int) -> Vector | None:
        """Interests as of the user's very last action, made from the newest of the history.

        The stored row is written after the state, so it may be behind by a moment: it serves only where the index
        here knows none of the items (yet).
        """
        index = self._located.index
        if index is None or not len(history):
            return None
        newest, space = slice(-RING, None), self.vectors.space
        found = self._located.of(index, history.items[newest])
        made = build_interests(space, found.matrix, found.rows, history.weights[newest], history.times[newest], now)
        if made is None and stored and stored.space == space and stored.long.size == index.dim:
            made = stored
        return made.query(index.mean) if made else None

    def _fitting(self, vector: Vector | None) -> Vector | None:
        """A text's vector, if it is of the index's width (after a change of model it may not be for a moment)."""
        index = self.vectors.index
        return vector if vector is not None and index is not None and vector.size == index.dim else None


def _refusals(states: Sequence[UserState]) -> dict[int, str]:
    out: dict[int, str] = {}
    for state in states:
        for number, rule in state.refused.items():
            if out.get(number) != "hidden":
                out[number] = rule
    return out
