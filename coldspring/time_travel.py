"""As-of and what-if: lists of an earlier state, and of a log without one event.

The exact tier is folded again from the log; everything else (items, profiles, who was forgotten, the blend's weights,
the vectors) is held as it is now and named in the answer, so that a difference comes from the events alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from coldspring.errors import CommandError
from coldspring.fixed_views import Fixed
from coldspring.house import REPLAYED
from coldspring.past import states_at
from recommender.partitioning import partition_of
from recommender.query import Query, Standing, Versions

if TYPE_CHECKING:
    from recommender.topics import Topics
    from serving.adjusting import House
    from serving.live_recommender import LiveRecommender
    from streams.edited_log import Occurrence
    from streams.log_source import LogSource
    from streams.past import Past, PastPartition


class TimeTravel:
    """Questions about other states.

    Parameters
    ----------
    past, log, topics: of the system.
    fixed: what is held as it is now.
    clock: wall time in ms, for `expires_at`; None: event time, as in a replay.
    each: called while partitions are folded.
    house: what holds for every list.
    """

    def __init__(
        self,
        past: Past,
        log: LogSource,
        topics: Topics,
        fixed: Fixed,
        clock: Callable[[], int] | None = None,
        each: Callable[[PastPartition], None] = lambda _: None,
        house: House | None = None,
    ) -> None:
        self._past = past
        self._log = log
        self._topics = topics
        self._fixed = fixed
        self._clock = clock
        self._each = each
        self._house = house

    async def recommend(self, position: Sequence[int], query: Query) -> dict[str, Any]:
        """The list for a query as of a position, with `as_of`: the position, what is of now, versions, and the cost."""
        begun = time.perf_counter()
        states = states_at(self._past, list(position), each=self._each)
        recommender = self._recommender(states)
        served = await recommender.recommend(query)
        answer: dict[str, Any] = msgspec.to_builtins(served.answered())
        return {**answer, "as_of": self._told(states, served.versions, begun)}

    async def without(self, user_id: str, item_id: str, event: str, position: Sequence[int]) -> dict[str, Any]:
        """How an item stands in a user's list with and without one event.

        Parameters
        ----------
        event: an event_id, or a place `@partition:offset[:index]`.
        position: the state that is asked about.

        Returns
        -------
        `{"user_id", "item_id", "removed": [events], "before", "after", "difference", "as_of"}`; before and after have
        place, candidates, score, reasons and left_out.

        Raises
        ------
        CommandError: when there is no such event before the position.
        """
        from streams.edited_log import EditedLog

        begun = time.perf_counter()
        removed = self._find(user_id, event, position)
        before = states_at(self._past, list(position), each=self._each)
        edited = EditedLog(self._log, self._topics.interactions, removed)
        after = list(before)
        first = {each.partition: each.offset for each in reversed(removed)}
        for partition, offset in first.items():
            after[partition] = self._past.partition(partition, position[partition], offset, edited, self._each)
        query = Query(user_id=user_id, n=100)
        asked = self._recommender(before)
        was = await asked.standing(query, item_id)
        now = await self._recommender(after).standing(query, item_id)
        folded = [*before, *(after[partition] for partition in first)]
        return {
            "user_id": user_id,
            "item_id": item_id,
            "removed": [each.told() for each in removed],
            "before": _standing(was),
            "after": _standing(now),
            "difference": now.score - was.score,
            "as_of": self._told(before, asked.versions, begun, folded),
        }

    def _find(self, user_id: str, event: str, position: Sequence[int]) -> list[Occurrence]:
        from streams.edited_log import Wanted, find

        wanted = Wanted.named(event)
        own = partition_of(user_id, self._topics.partitions)
        others = [partition for partition in range(len(position)) if partition != own]
        for partition in [own, *others]:
            found = find(self._log, self._topics.interactions, partition, position[partition], wanted)
            if found:  # an event's repeats lie in its own partition: the window of event ids is a partition's
                return found
        raise CommandError(f"there is no event {event} before the position {' '.join(map(str, position))}")

    def _recommender(self, made: Sequence[PastPartition]) -> LiveRecommender:
        from serving.live_recommender import LiveRecommender
        from serving.views.memory import MemoryReadModel

        states = [one.shard.state for one in made]
        for state in states:
            state.items.bring_all()
        positions = [one.shard.next_offset("interactions") for one in made]
        model = MemoryReadModel(states, self._fixed.profile, lambda: positions, follow=False)
        for item in self._fixed.items:
            model.announce(item)
        fixed = self._fixed
        return LiveRecommender(
            model,
            fixed.vectors,
            clock=self._clock,
            blend=fixed.blend,
            mf=fixed.mf,
            prepare=fixed.prepare,
            house=self._house,
            fresh_id=lambda: REPLAYED,
        )

    def _told(
        self,
        states: Sequence[PastPartition],
        versions: Versions | None,
        begun: float,
        folded: Sequence[PastPartition] | None = None,
    ) -> dict[str, Any]:
        return {
            "position": {"interactions": [one.shard.next_offset("interactions") for one in states]},
            "now": ["items", "profiles", "forgets", "weights", "index"],
            "versions": msgspec.to_builtins(versions),
            "checkpoints": [one.begun for one in states],
            "folded": sum(one.folded for one in folded or states),
            "took_s": round(time.perf_counter() - begun, 3),
        }


def _standing(standing: Standing) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(standing)
    del told["item_id"]
    return told
