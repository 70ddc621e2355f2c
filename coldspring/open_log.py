"""The log to read again: Kafka's, with an archive before it where one is set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coldspring.settings import Settings
    from streams.log_source import LogSource


def open_log(settings: Settings, cluster: str) -> LogSource:
    """The log of a Kafka cluster.

    Raises
    ------
    LogAwayError: when the archive that is set can't be read (now), or is of another cluster's log.
    """
    from streams.log_source import JoinedLog, KafkaLog

    kafka = KafkaLog(settings.bootstrap)
    if settings.archive is None:
        return kafka
    return JoinedLog(_archive(settings.archive, settings.prefix, cluster), kafka)


def _archive(folder: Path, prefix: str, cluster: str) -> LogSource:
    from streams.archive import ArchiveError, ArchiveLog
    from streams.log_source import LogAwayError

    try:
        archive = ArchiveLog(folder)
    except ArchiveError as error:
        raise LogAwayError(str(error)) from None
    told = archive.manifest
    if (told.cluster, told.prefix) != (cluster, prefix):
        raise LogAwayError(f"{folder} holds another log: cluster {told.cluster}, prefix {told.prefix!r}")
    return archive
