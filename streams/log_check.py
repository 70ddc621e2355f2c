"""Is this the log that the state was learned from? And does it still reach back to where the state ends?

Asked on every assignment, and when Kafka says that an offset is out of range. A log that was made anew (a deleted
topic, a restored broker) must never be mixed into the state; a log whose retention overtook a worker has lost events,
which is said with their number; a compacted log that dropped the last applied record has lost nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.types import TP

from recommender.head import Mark
from streams.intake import Record
from streams.user_shard import mark_of

logger = logging.getLogger(__name__)

COMPACTED: Final = ("items", "profiles")
"""Topics in which a record may be gone without anything being lost."""

READ_S: Final = 10.0
GONE_S: Final = 2.0
"""After so long without the record, a compacted topic counts as one that does not hold it any more."""
RETRY_S: Final = 1.0
FETCH_BYTES: Final = 64 * 1024


class OtherLogError(Exception):
    """The log is another one than the state was learned from; the message says how that is known and what to do."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the state says of a partition of a topic: the next offset, the last applied record, if it is compacted."""

    position: int
    mark: Mark | None = None
    compacted: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the log holds: its first offset, and the next one to be written."""

    begin: int
    end: int

    def missing(self, claim: Claim) -> int:
        """How many offsets that the state has not seen are held no more."""
        return max(0, self.begin - claim.position)


def judge(tp: TP, claim: Claim, bounds: Bounds, found: Record | None) -> None:
    """Compare; `found` is the first record at or after the mark, None where none was to be had.

    Raises
    ------
    OtherLogError: when the log cannot be the one that the state was learned from.
    """
    where = f"{tp.topic}[{tp.partition}]"
    if bounds.end < claim.position:
        raise _other(where, f"it ends at {bounds.end}, the state at {claim.position}")
    if claim.mark is None or found is None or bounds.begin > claim.mark.offset:
        return
    if found.offset == claim.mark.offset:
        if not same_record(claim.mark, mark_of(found)):
            raise _other(where, f"at {claim.mark.offset} it holds another record than the one that was applied")
    elif not claim.compacted:
        raise _other(where, f"at {claim.mark.offset}, where a record was applied, it holds none")


def same_record(applied: Mark, held: Mark) -> bool:
    """Whether two marks are of one record; a source without times (an archive's line) gives 0 for them."""
    times = {applied.timestamp, held.timestamp} - {0}
    return applied.hash == held.hash and len(times) < 2


class LogCheck:
    """Looks at the log itself, apart from the consumer of the group. `bootstrap` is Kafka's address."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def verify(self, claims: Mapping[TP, Claim]) -> dict[TP, Bounds]:
        """Compare each claim with the log; where each begins and ends. Waits while Kafka is away.

        Raises
        ------
        OtherLogError: see `judge`.
        """
        while True:
            try:
                return await self.verify_now(claims)
            except (KafkaError, OSError, TimeoutError) as error:
                logger.warning("the log can't be looked at (%s); trying again", type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def verify_now(self, claims: Mapping[TP, Claim]) -> dict[TP, Bounds]:
        """`verify` without waiting: raises KafkaError, OSError or TimeoutError while Kafka is away."""
        if not claims:
            return {}
        found = await self._asked(claims)
        if any(bounds.end < claims[tp].position for tp, (bounds, _) in found.items()):
            # A broker that has just come back may not know its end yet: one more look before a verdict.
            await asyncio.sleep(RETRY_S)
            found = await self._asked(claims)
        for tp, (bounds, record) in found.items():
            judge(tp, claims[tp], bounds, record)
        return {tp: bounds for tp, (bounds, _) in found.items()}

    async def _asked(self, claims: Mapping[TP, Claim]) -> dict[TP, tuple[Bounds, Record | None]]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=50,
            request_timeout_ms=int(READ_S * 1000),
        )
        try:
            await asyncio.wait_for(consumer.start(), READ_S)
            return await asyncio.wait_for(_look(consumer, claims), 3 * READ_S)
        finally:
            # stop() waits for ever while all brokers are away (aiokafka #659).
            await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=READ_S)


async def _look(consumer: Any, claims: Mapping[TP, Claim]) -> dict[TP, tuple[Bounds, Record | None]]:
    tps = list(claims)
    begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
    bounds = {tp: Bounds(begins[tp], ends[tp]) for tp in tps}
    wanted = {
        tp: claim.mark.offset
        for tp, claim in claims.items()
        if claim.mark is not None and bounds[tp].begin <= claim.mark.offset < bounds[tp].end
    }
    records = await _records(consumer, wanted, {tp for tp in wanted if claims[tp].compacted}) if wanted else {}
    return {tp: (bounds[tp], records.get(tp)) for tp in tps}


async def _records(consumer: Any, wanted: Mapping[TP, int], perhaps: set[TP]) -> dict[TP, Record]:
    """The first record at or after each offset; `perhaps` names partitions where there may be none."""
    consumer.assign(list(wanted))
    for tp, offset in wanted.items():
        consumer.seek(tp, offset)
    found: dict[TP, Record] = {}
    clock = asyncio.get_running_loop().time
    began = clock()
    while missing := set(wanted) - set(found):
        if clock() - began > GONE_S and missing <= perhaps:
            break
        if clock() - began > READ_S:
            raise TimeoutError(f"nothing was to be read of {len(missing)} partitions")
        for place, records in (await consumer.getmany(timeout_ms=200)).items():
            found.setdefault(TP(place.topic, place.partition), records[0])
    return found


def _other(where: str, how: str) -> OtherLogError:
    return OtherLogError(
        f"{where}: this is not the log that the state was learned from: {how}. Nothing of it was applied. Restore the "
        "topic, or, if it was made anew on purpose, begin a new state: set --cluster (COLDSPRING_CLUSTER) to a new name"
    )
