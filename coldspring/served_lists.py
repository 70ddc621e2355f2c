"""Where served lists and what became of them are read from: Kafka's topics, or files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import msgspec

from coldspring.errors import CommandError
from coldspring.estimates import Join
from recommender.decision import Decision, decode_decision

if TYPE_CHECKING:
    from coldspring.settings import Settings
    from streams.log_source import LogSource

Told = Callable[[int], None]
"""Called with how many records were read so far."""
_NAMED = b'"request_id"'
_GZIP = b"\x1f\x8b"


def follow_topics(settings: Settings, join: Join, since_ms: int = 0, told: Told = lambda _: None) -> None:
    """Join the lists served since a time with the interactions of the log, from where those lists were made.

    Raises
    ------
    CommandError: when Kafka is away, or what came after the lists is not held any more.
    """
    from coldspring import wiring
    from coldspring.decisions import newest_first
    from coldspring.open_log import open_log
    from streams import intake
    from streams.log_source import KafkaLog, LogAwayError, LogGapError

    names, types = wiring.topics(settings), wiring.event_types(settings)
    begins: list[int] | None = None
    read = 0
    try:
        kafka = KafkaLog(settings.bootstrap)
        for partition in range(names.count("decisions")):
            for record in newest_first(kafka, names.decisions, partition):
                told(read := read + 1)
                decision = _decoded(record.value or b"")
                if decision is None:
                    continue
                if decision.timestamp < since_ms:
                    break
                join.served(decision)
                position = decision.position["interactions"]
                begins = position if begins is None else [min(pair) for pair in zip(begins, position, strict=True)]
        if begins is None:
            return
        log = open_log(settings, wiring.cluster_id(settings))
        for partition, begin in enumerate(begins):
            source = intake.Source("interactions", partition, names.partitions)
            for records in _records(log, names.interactions, partition, begin):
                told(read := read + len(records))
                named = [record for record in records if _NAMED in (record.value or b"")]
                for event in intake.interactions(source, named, types).events:
                    join.happened(event)
    except (LogAwayError, LogGapError) as error:
        raise CommandError(str(error)) from None


def follow_files(
    decisions: Path, logs: Sequence[str], join: Join, since_ms: int = 0, told: Told = lambda _: None
) -> int:
    """Join lists in a file (JSON Lines of `decisions`, plain or .gz) with event logs; the time of the last list, ms.

    Raises
    ------
    CommandError: when a file can't be read, or a line of the first is no decision.
    """
    from coldspring.log_file import read_logs
    from recommender.events import decode_interaction
    from recommender.reasons import BadEventError

    latest = read = 0
    for number, line in enumerate(_lines(decisions), 1):
        told(read := read + 1)
        decision = _decoded(line)
        if decision is None:
            raise CommandError(f"{decisions}: line {number} is no decision")
        latest = max(latest, decision.timestamp)
        if decision.timestamp >= since_ms:
            join.served(decision)
    for event in read_logs(logs):
        told(read := read + 1)
        if event.kind != "interaction" or _NAMED not in (event.value or b""):
            continue
        try:
            join.happened(decode_interaction(event.value or b""))
        except BadEventError:
            continue  # a dead letter in any other reading, too
    return latest


def _records(log: LogSource, topic: str, partition: int, begin: int) -> Iterator[Sequence[Any]]:
    first, end = log.bounds(topic, partition)
    for batch in log.read(topic, partition, max(begin, first), end):
        yield batch.records


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with ExitStack() as stack:
            raw: IO[bytes] = stack.enter_context(path.open("rb"))
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            lines = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=raw))) if packed else raw
            yield from (line for line in lines if line.strip())
    except (OSError, EOFError) as error:
        raise CommandError(f"{path}: {error}") from None


def _decoded(value: bytes) -> Decision | None:
    try:
        return decode_decision(value)
    except msgspec.DecodeError:
        return None
