"""Writing an archive: what is new is added, what a forgotten user left in it is taken out."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from recommender.head import Mark
from streams.archive import (
    MANIFEST,
    TOPICS,
    ArchiveError,
    Line,
    Manifest,
    Segment,
    line_of,
    read_lines,
    read_manifest,
)
from streams.files import sync_folder, write_whole
from streams.intake import Record
from streams.log_source import LogSource
from streams.user_shard import mark_of

SEGMENT_BYTES: Final = 16 * 1024 * 1024
"""Lines of so many bytes make a file (about a tenth of that on disk)."""
LEVEL: Final = 3

Told = Callable[[str, int, int], None]
"""Told the topic, how many records were written so far, and the bytes of files."""


@dataclass(slots=True)
class Added:
    """What one run wrote; `gaps` are ranges that the log no longer held: (topic, partition, begin, held)."""

    records: int
    bytes: int
    gaps: list[tuple[str, int, int, int]]


class ArchiveWriter:
    """One writer of an archive; made by `open_archive`."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self.manifest = manifest

    def add(self, log: LogSource, told: Told = lambda *_: None) -> Added:
        """Write what the log holds beyond the archive. A run that was cut off is taken up where its last file ended.

        Raises
        ------
        ArchiveError: when it is another log than the archive's (made anew).
        """
        added = Added(0, 0, [])
        for topic in TOPICS:
            for partition in range(self.manifest.partitions[topic]):
                self._add_partition(log, topic, partition, added, told)
        return added

    def rewrite(self, change: Callable[[Line], Line], topics: tuple[str, ...]) -> int:
        """Pass every line of some topics through `change`, which keeps offsets; the number of lines that differ after.

        A file without a change stays; of one with changes the old version is removed.
        """
        changed = 0
        for place, segment in enumerate(self.manifest.segments):
            if segment.topic not in topics:
                continue
            lines = list(read_lines(self._folder, segment, self.manifest.prefix + segment.topic))
            after = [change(line) for line in lines]
            differing = sum(old != new for old, new in zip(lines, after, strict=True))
            if differing:
                changed += differing
                file, sha256 = self._write_file(segment.topic, segment.partition, segment.begin, after)
                segments = list(self.manifest.segments)
                segments[place] = msgspec.structs.replace(segment, file=file, sha256=sha256)
                self._publish(segments)
                (self._folder / segment.file).unlink(missing_ok=True)
        return changed

    def tidy(self) -> None:
        """Remove what a run that was cut off left behind: files that the manifest does not name."""
        named = {segment.file for segment in self.manifest.segments}
        for topic in TOPICS:
            for file in (self._folder / topic).rglob("*"):
                if file.is_file() and file.relative_to(self._folder).as_posix() not in named:
                    file.unlink()
        for file in self._folder.glob(f"{MANIFEST}.*"):
            file.unlink()

    def _add_partition(self, log: LogSource, topic: str, partition: int, added: Added, told: Told) -> None:
        name = self.manifest.prefix + topic
        held = self.manifest.of(topic, partition)
        begin = held[-1].next if held else 0
        first, end = log.bounds(name, partition)
        if held and not same_log(log, name, held[-1], first, end):
            raise ArchiveError(f"{name} partition {partition} is another log than the one archived: take a new folder")
        if begin < first < end:
            added.gaps.append((topic, partition, begin, first))
            begin = first
        lines: list[Line] = []
        size, last = 0, None
        start = begin
        for batch in log.read(name, partition, begin, end):
            for record in batch.records:
                lines.append(line_of(record))
                size += len(record.value or b"") + 64
                last = record
            begin = batch.next
            if size >= SEGMENT_BYTES:
                self._close_segment(topic, partition, (start, begin), lines, last, added, told)
                start, lines, size, last = begin, [], 0, None
        if start < begin:
            self._close_segment(topic, partition, (start, begin), lines, last, added, told)

    def _close_segment(
        self,
        topic: str,
        partition: int,
        offsets: tuple[int, int],
        lines: list[Line],
        last: Record | None,
        added: Added,
        told: Told,
    ) -> None:
        begin, following = offsets
        file, sha256 = self._write_file(topic, partition, begin, lines)
        mark = mark_of(last) if last is not None else Mark(-1, 0, "")
        segment = Segment(topic, partition, begin, following, len(lines), file, sha256, mark)
        self._publish([*self.manifest.segments, segment])
        added.records += len(lines)
        added.bytes += (self._folder / file).stat().st_size
        told(topic, added.records, added.bytes)

    def _write_file(self, topic: str, partition: int, begin: int, lines: list[Line]) -> tuple[str, str]:
        data = gzip.compress(b"".join(msgspec.json.encode(line) + b"\n" for line in lines), LEVEL, mtime=0)
        sha256 = hashlib.sha256(data).hexdigest()
        file = Path(topic) / str(partition) / f"{begin:020d}-{sha256[:12]}.jsonl.gz"
        place = (self._folder / file).parent
        if not place.is_dir():
            place.mkdir(parents=True)
            sync_folder(place.parent)
            sync_folder(self._folder)
        write_whole(self._folder / file, data)
        return file.as_posix(), sha256

    def _publish(self, segments: list[Segment]) -> None:
        self.manifest = msgspec.structs.replace(self.manifest, segments=segments)
        write_whole(self._folder / MANIFEST, msgspec.json.format(msgspec.json.encode(self.manifest), indent=1))


@contextmanager
def open_archive(folder: Path, expected: Manifest) -> Iterator[ArchiveWriter]:
    """The archive in a folder, made where there is none; nobody else writes to it meanwhile.

    Parameters
    ----------
    expected: an empty manifest that says which log it is.

    Raises
    ------
    ArchiveError: when another one writes, or the folder holds another log's archive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ArchiveError(f"{folder}: another process is writing this archive") from None
        manifest = read_manifest(folder)
        if manifest is None:
            own = ("lock", MANIFEST, *TOPICS)
            strangers = [each.name for each in folder.iterdir() if not each.name.startswith(own)]
            if strangers:
                raise ArchiveError(f"{folder} is no archive, and not empty: {strangers[0]}")
            manifest = expected
        for what in ("cluster", "prefix", "partitions"):
            was, now = getattr(manifest, what), getattr(expected, what)
            if was != now:
                raise ArchiveError(f"{folder} holds the log of another {what}: {_told(was)}, not {_told(now)}")
        writer = ArchiveWriter(folder, manifest)
        writer.tidy()
        yield writer


def same_log(log: LogSource, topic: str, segment: Segment, first: int, end: int) -> bool:
    """Whether the log goes on from an archived segment: its last record is still there as it was, or gone by age."""
    if end < segment.next:
        return False
    at = segment.mark.offset
    if at < first:
        return True
    records = [record for batch in log.read(topic, segment.partition, at, at + 1) for record in batch.records]
    # Compaction may have taken the record; another one in its place can't be.
    return not records or mark_of(records[0]) == segment.mark


def log_of(cluster: str, prefix: str, counts: Mapping[str, int]) -> Manifest:
    """An empty manifest of a log."""
    return Manifest(cluster, prefix, {topic: counts[topic] for topic in TOPICS})


def _told(value: Any) -> str:
    return ", ".join(f"{name} {count}" for name, count in value.items()) if isinstance(value, dict) else repr(value)
