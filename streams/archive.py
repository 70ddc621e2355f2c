"""An archive of the log: gzipped JSON Lines by topic, partition and offset, named in a manifest with their SHA-256.

    manifest.json
    interactions/0/00000000000000000000-3f2a9c81d07e.jsonl.gz      offsets 0 to 81233
    interactions/0/00000000000000081234-91b0e7aa5512.jsonl.gz      …

One line is one record, exactly as Kafka held it: ``{"offset": 812, "timestamp": …, "key": "u1", "value": "{…}"}``. A
null key or value is left out; bytes that are no UTF-8 stand in ``key_base64`` and ``value_base64``. What was taken out
because its user was forgotten leaves ``{"offset": 812, "timestamp": …, "removed": true}``. A file never changes: its
name holds the beginning of its hash, so the manifest, renamed last, always names whole files.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from recommender.head import Mark
from streams.batch import Batch
from streams.intake import LogRecord, Record
from streams.log_source import BATCH_RECORDS, LogGapError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
TOPICS: Final = ("interactions", "profiles", "forgets", "items")
"""What the learned state is a fold of; all else can be made again from it."""


class ArchiveError(Exception):
    """The folder is no archive, or not one of this log; the message says why."""


class DamagedError(LogGapError):
    """A file of the archive is missing or is not what was written: its records are not held any more."""

    def __init__(self, segment: Segment, topic: str, why: str) -> None:
        super().__init__(topic, segment.partition, segment.begin, segment.next)
        self.args = (f"{segment.file}: {why}; {self}",)


class Segment(msgspec.Struct, frozen=True):
    """One file: the records of a partition from `begin` to before `next`; `mark` is its last record."""

    topic: str
    partition: int
    begin: int
    next: int
    records: int
    file: str
    sha256: str
    mark: Mark


class Manifest(msgspec.Struct, frozen=True):
    """What an archive holds. `partitions`: of each topic; `segments`: in the order of their offsets, by partition."""

    cluster: str
    prefix: str
    partitions: dict[str, int]
    segments: list[Segment] = []
    format: int = FORMAT

    def of(self, topic: str, partition: int) -> list[Segment]:
        """The files of one partition."""
        return [each for each in self.segments if (each.topic, each.partition) == (topic, partition)]


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record as it stands in a file."""

    offset: int
    timestamp: int
    key: str | None = None
    value: str | None = None
    key_base64: str | None = None
    value_base64: str | None = None
    removed: bool = False


_LINES: Final = msgspec.json.Decoder(Line)


def line_of(record: Record) -> Line:
    """A record as a line.

    >>> line_of(LogRecord(7, b"u1", b"\\xff", 5))
    Line(offset=7, timestamp=5, key='u1', value=None, key_base64=None, value_base64='/w==', removed=False)
    """
    (key, key_64), (value, value_64) = _text(record.key), _text(record.value)
    return Line(record.offset, record.timestamp, key, value, key_64, value_64)


def record_of(line: Line) -> LogRecord:
    """The record again, to the byte; raises `binascii.Error` (a ValueError) for what is no base64."""
    return LogRecord(
        line.offset, _bytes(line.key, line.key_base64), _bytes(line.value, line.value_base64), line.timestamp
    )


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest, None where there is none.

    Raises
    ------
    ArchiveError: when it can't be read, or is of another format.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        raise ArchiveError(f"{folder / MANIFEST} can't be read: {error}") from None
    if manifest.format != FORMAT:
        raise ArchiveError(f"the archive has format {manifest.format}, this version reads {FORMAT}")
    return manifest


def read_lines(folder: Path, segment: Segment, topic: str) -> Iterator[Line]:
    """The lines of one file, checked as a whole before the first is given.

    Raises
    ------
    DamagedError: naming the topic as it is given.
    """
    try:
        data = (folder / segment.file).read_bytes()
        if hashlib.sha256(data).hexdigest() != segment.sha256:
            raise DamagedError(segment, topic, "its SHA-256 is not the manifest's")
        for line in gzip.decompress(data).splitlines():
            yield _LINES.decode(line)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DamagedError(segment, topic, str(error)) from None


class ArchiveLog:
    """An archive as a `LogSource`.

    Parameters
    ----------
    folder: the archive's.
    prefix: of the topic names that are asked for; default: as archived.

    Raises
    ------
    ArchiveError: when the folder holds no archive.
    """

    def __init__(self, folder: Path, prefix: str | None = None) -> None:
        manifest = read_manifest(folder)
        if manifest is None:
            raise ArchiveError(f"{folder} holds no archive: there is no {MANIFEST}")
        self.manifest = manifest
        self._folder = folder
        self._prefix = manifest.prefix if prefix is None else prefix

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset held, and the next after the last; (0, 0) for what is not archived."""
        segments = self.manifest.of(topic.removeprefix(self._prefix), partition)
        return (segments[0].begin, segments[-1].next) if segments else (0, 0)

    def read(self, topic: str, partition: int, begin: int, end: int) -> Iterator[Batch]:
        """See `LogSource.read`; one file at a time is in memory."""
        for segment in self.manifest.of(topic.removeprefix(self._prefix), partition):
            if begin >= end:
                return
            if segment.next <= begin:
                continue
            if segment.begin > begin:
                raise LogGapError(topic, partition, begin, min(segment.begin, end))
            until = min(segment.next, end)
            yield from self._batches(segment, topic, begin, until)
            begin = until
        if begin < end:
            raise LogGapError(topic, partition, begin, end)

    def close(self) -> None:
        """Nothing stays open."""

    def _batches(self, segment: Segment, topic: str, begin: int, end: int) -> Iterator[Batch]:
        records: list[Record] = []
        for line in read_lines(self._folder, segment, topic):
            if line.offset < begin or line.offset >= end or line.removed:
                continue
            try:
                records.append(record_of(line))
            except binascii.Error as error:
                raise DamagedError(segment, topic, str(error)) from None
            if len(records) == BATCH_RECORDS:
                following = line.offset + 1
                yield Batch(topic, segment.partition, begin, following, records)
                begin, records = following, []
        if begin < end:
            yield Batch(topic, segment.partition, begin, end, records)


def _text(data: bytes | None) -> tuple[str | None, str | None]:
    if data is None:
        return None, None
    try:
        return data.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(data).decode()


def _bytes(text: str | None, in_base64: str | None) -> bytes | None:
    if in_base64 is not None:
        return base64.b64decode(in_base64, validate=True)
    return None if text is None else text.encode()
