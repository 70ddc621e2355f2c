"""The log of a running system written to files, and what forgotten users left in them taken out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coldspring.errors import CommandError

if TYPE_CHECKING:
    from coldspring.settings import Settings


def write_archive(
    settings: Settings,
    folder: Path,
    erase: bool = False,
    told: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """Add what Kafka holds beyond the archive, and with `erase` take out what forgotten users left in it.

    Returns
    -------
    `{"folder", "records", "bytes", "removed", "gaps": [{"topic", "partition", "begin", "held"}], "position": {…}}`:
    what this run wrote and removed, the ranges that Kafka no longer held, and the next offset of each partition.

    Raises
    ------
    CommandError: when Kafka is away, or the folder holds another log's archive.
    """
    from coldspring import wiring
    from streams.archive import TOPICS, ArchiveError, ArchiveLog
    from streams.archive_forgets import ERASED_TOPICS, latest_forgets, without_forgotten
    from streams.archive_writer import log_of, open_archive
    from streams.log_source import KafkaLog, LogAwayError, LogGapError

    names = wiring.topics(settings)
    counts = {topic: names.count(topic) for topic in TOPICS}
    expected = log_of(wiring.cluster_id(settings), settings.prefix, counts)
    removed = 0
    try:
        with open_archive(folder, expected) as archive:
            added = archive.add(KafkaLog(settings.bootstrap), told)
            if erase:
                forgotten = latest_forgets(ArchiveLog(folder))
                change = functools.partial(without_forgotten, forgotten=forgotten)
                removed = archive.rewrite(change, ERASED_TOPICS) if forgotten else 0
            manifest = archive.manifest
    except (ArchiveError, LogAwayError, LogGapError, OSError) as error:
        raise CommandError(str(error)) from None
    ends = {
        topic: [max((each.next for each in manifest.of(topic, p)), default=0) for p in range(count)]
        for topic, count in counts.items()
    }
    gaps = [dict(zip(("topic", "partition", "begin", "held"), gap, strict=True)) for gap in added.gaps]
    return {
        "folder": str(folder),
        "records": added.records,
        "bytes": added.bytes,
        "removed": removed,
        "gaps": gaps,
        "position": ends,
    }
