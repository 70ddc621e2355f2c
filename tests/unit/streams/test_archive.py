"""An archive: the log to the byte, added to, cut off, damaged, and rid of forgotten users."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coldspring.cli import invoke
from coldspring.log_replay import replay_archive
from coldspring.open_log import open_log
from coldspring.settings import Settings
from recommender.topics import Topics
from streams import archive_writer
from streams.archive import MANIFEST, ArchiveError, ArchiveLog, DamagedError
from streams.archive_forgets import ERASED_TOPICS, latest_forgets, without_forgotten
from streams.archive_writer import ArchiveWriter, log_of, open_archive
from streams.batch import Batch
from streams.files import write_whole
from streams.intake import LogRecord
from streams.log_source import JoinedLog, LogAwayError, LogGapError
from streams.memory_log import MemoryLog
from streams.replay import DirectReplay

COUNTS = {"interactions": 1, "profiles": 1, "forgets": 1, "items": 1}
LOG = log_of("cluster", "", COUNTS)


def event(user: str, item: str, at: int, **more: Any) -> bytes:
    return json.dumps({"user_id": user, "item_id": item, "type": "click", "timestamp": at, **more}).encode()


def some_values() -> list[bytes | None]:
    """Interactions as a topic may hold them: envelopes, bad bytes, nothing at all."""
    good: list[bytes | None] = [event(f"u{n % 5}", f"i{n % 7}", 1_000 + n, event_id=f"e{n}") for n in range(60)]
    envelope = b"[" + event("u1", "i1", 5_000) + b",  " + event("u2", "i2", 5_001, event_id="é") + b"]"
    return [*good, envelope, None, b"", b"\xff\xfe not text", "ü\x00\ufeff\u2028".encode(), b"[1,", *good[:5]]


def log_from(values: list[bytes | None], log: MemoryLog | None = None, topic: str = "interactions") -> MemoryLog:
    """Records at even offsets, as after a compaction; every third has a key."""
    log = log or MemoryLog()
    begin = log.bounds(topic, 0)[1]
    for n, value in enumerate(values):
        key = [None, b"u1", b"\xfe"][n % 3]
        offset = begin + 2 * n
        log.add(Batch(topic, 0, offset, offset + 2, [LogRecord(offset, key, value, 10_000 + n)]))
    return log


def everything(log: MemoryLog | ArchiveLog, topic: str = "interactions") -> list[tuple[Any, ...]]:
    first, end = log.bounds(topic, 0)
    return [(r.offset, r.key, r.value, r.timestamp) for batch in log.read(topic, 0, first, end) for r in batch.records]


def add(folder: Path, log: MemoryLog) -> int:
    with open_archive(folder, LOG) as archive:
        return archive.add(log).records


def test_every_record_comes_back_to_the_byte_with_its_offset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_writer, "SEGMENT_BYTES", 1_000)
    log = log_from(some_values())
    assert add(tmp_path, log) == len(some_values())
    archived = ArchiveLog(tmp_path)
    assert len(archived.manifest.segments) > 5
    assert archived.bounds("interactions", 0) == log.bounds("interactions", 0)
    assert everything(archived) == everything(log)
    batches = list(archived.read("interactions", 0, 7, 31))
    assert (batches[0].begin, batches[-1].next) == (7, 31)
    assert [record.offset for batch in batches for record in batch.records] == list(range(8, 31, 2))
    with pytest.raises(LogGapError):
        list(archived.read("interactions", 0, 0, log.bounds("interactions", 0)[1] + 1))


def test_a_later_run_adds_only_what_is_new_and_changes_nothing_that_is_there(tmp_path: Path) -> None:
    log = log_from(some_values())
    add(tmp_path, log)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.gz")}
    assert add(tmp_path, log) == 0
    log_from([event("u9", "i9", 9_000)], log)
    assert add(tmp_path, log) == 1
    assert everything(ArchiveLog(tmp_path)) == everything(log)
    assert {file: file.read_bytes() for file in before} == before


@pytest.mark.parametrize("survived", range(8))
def test_a_run_that_is_cut_off_anywhere_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    class CutOffError(Exception):
        pass

    written = 0
    whole = write_whole

    def cut(path: Path, data: bytes) -> None:
        nonlocal written
        if written == survived:
            path.with_name(path.name + ".00000000").write_bytes(data[: len(data) // 2])
            raise CutOffError
        written += 1
        whole(path, data)

    log = log_from(some_values())
    monkeypatch.setattr(archive_writer, "SEGMENT_BYTES", 1_500)
    monkeypatch.setattr(archive_writer, "write_whole", cut)
    with pytest.raises(CutOffError):
        add(tmp_path, log)
    monkeypatch.setattr(archive_writer, "write_whole", whole)
    add(tmp_path, log)
    assert everything(ArchiveLog(tmp_path)) == everything(log)
    named = {each.file for each in ArchiveLog(tmp_path).manifest.segments} | {MANIFEST, "lock"}
    assert {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()} == named


def test_a_flipped_bit_and_a_missing_file_are_never_read_as_a_log(tmp_path: Path) -> None:
    add(tmp_path, log_from(some_values()))
    file = next(tmp_path.rglob("*.gz"))
    whole = file.read_bytes()
    for broken in (whole[:50] + bytes([whole[50] ^ 1]) + whole[51:], whole[:-9], b""):
        file.write_bytes(broken)
        with pytest.raises(DamagedError, match="SHA-256"):
            everything(ArchiveLog(tmp_path))
    file.unlink()
    with pytest.raises(DamagedError, match="offsets 0 to"):
        everything(ArchiveLog(tmp_path))


def test_another_log_and_a_strange_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    add(folder, log_from(some_values()))
    anew = log_from([event("somebody", "else", 1) for _ in some_values()])
    with pytest.raises(ArchiveError, match="another log"):
        add(folder, anew)
    with pytest.raises(ArchiveError, match="another log"):
        add(folder, log_from(some_values()[:3]))
    with pytest.raises(ArchiveError, match="cluster"), open_archive(folder, log_of("other", "", COUNTS)):
        pass
    with pytest.raises(ArchiveError, match="no archive"):
        ArchiveLog(tmp_path)
    with pytest.raises(ArchiveError, match="not empty"), open_archive(tmp_path, LOG):
        pass
    with open_archive(folder, LOG), pytest.raises(ArchiveError, match="another process"), open_archive(folder, LOG):
        pass


def test_what_retention_took_before_the_archive_is_a_gap_that_is_told(tmp_path: Path) -> None:
    class Shortened(MemoryLog):
        first = 20

        def bounds(self, topic: str, partition: int) -> tuple[int, int]:
            first, end = super().bounds(topic, partition)
            return min(max(first, self.first), end), end

    log = log_from(some_values(), Shortened())
    with open_archive(tmp_path, LOG) as archive:
        assert archive.add(log).gaps == [("interactions", 0, 0, 20)]
    assert ArchiveLog(tmp_path).bounds("interactions", 0)[0] == 20
    with pytest.raises(LogGapError, match="offsets 0 to 19"):
        list(ArchiveLog(tmp_path).read("interactions", 0, 0, 40))


def replayed(folder: Path) -> tuple[str, dict[str, int]]:
    state = replay_archive(str(folder), Settings(partitions=1))
    return state.digest, state.counts


def test_a_replay_of_an_archive_is_the_replay_of_its_log_with_all_that_was_bad(tmp_path: Path) -> None:
    log = log_from(some_values())
    log_from([b'{"item_id": "i1", "title": "One", "timestamp": 5}', None, b"nonsense"], log, "items")
    log_from([b'{"user_id": "u1", "text": "hello", "timestamp": 5}'], log, "profiles")
    add(tmp_path, log)
    engine = DirectReplay(Topics(partitions=1, item_partitions=1))
    for topic in ("interactions", "items", "profiles"):
        for batch in log.read(topic, 0, 0, log.bounds(topic, 0)[1]):
            engine.take(batch)
    assert replayed(tmp_path) == (engine.digest(), engine.counts())
    assert engine.counts() == {"applied": 62, "duplicates": 5, "dead_letters": 5}
    state = replay_archive(str(tmp_path), Settings(partitions=1))
    found = {(dead.topic, dead.offset) for dead in state.dead_letters if dead.topic == "interactions"}
    assert found == {("interactions", 2 * n) for n in range(61, 66)}


def test_the_command_replays_an_archive_whole_or_says_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(tmp_path, log_from(some_values()))
    whole = ["replay", str(tmp_path), "--partitions", "1", "--json"]
    assert invoke(whole) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["digest"], told["counts"]) == replayed(tmp_path)
    assert told["position"] == {"interactions": [2 * len(some_values())]}
    assert invoke([*whole, "--until", "5"]) == 2
    assert invoke(["replay", str(tmp_path), "--partitions", "2"]) == 1
    assert "set --partitions" in capsys.readouterr().err
    assert invoke(["replay", str(tmp_path.parent)]) == 1
    next(tmp_path.rglob("*.gz")).write_bytes(b"")
    assert invoke(whole) == 1
    assert "SHA-256" in capsys.readouterr().err


def erase(writer: ArchiveWriter, folder: Path) -> int:
    forgotten = latest_forgets(ArchiveLog(folder))
    return writer.rewrite(lambda line: without_forgotten(line, forgotten), ERASED_TOPICS)


def test_erasing_takes_a_forgotten_user_out_of_the_files_and_leaves_the_digest(tmp_path: Path) -> None:
    log = log_from(some_values())
    bad = b'{"user_id": "u1", "item_id": 5, "timestamp": 7}'
    log_from([bad, event("u1", "late", 9_999_999)], log)
    log_from([b'{"user_id": "u1", "text": "my secret", "timestamp": 5}'], log, "profiles")
    log_from([b'{"user_id": "u1", "timestamp": 6000}', b"no forget"], log, "forgets")
    add(tmp_path, log)
    digest, counts = replayed(tmp_path)
    with open_archive(tmp_path, LOG) as archive:
        # 12 clicks, one repeat, one in the envelope, two that can't be read (by id, by key), the profile
        assert erase(archive, tmp_path) == 17
        assert erase(archive, tmp_path) == 0
    kept = [value or b"" for _, _, value, _ in everything(ArchiveLog(tmp_path))]
    assert [value for value in kept if b'"u1"' in value] == [event("u1", "late", 9_999_999)]
    assert not any(b"secret" in (value or b"") for _, _, value, _ in everything(ArchiveLog(tmp_path), "profiles"))
    assert replayed(tmp_path)[0] == digest
    assert replayed(tmp_path)[1] == {**counts, "dead_letters": counts["dead_letters"] - 2}
    assert add(tmp_path, log) == 0  # it goes on from where it was
    assert ArchiveLog(tmp_path).bounds("interactions", 0) == log.bounds("interactions", 0)


def test_a_rebuild_takes_the_archive_that_is_set_unless_it_is_another_logs(tmp_path: Path) -> None:
    add(tmp_path, log_from(some_values()))
    settings = Settings(archive=tmp_path, bootstrap="127.0.0.1:1")
    assert isinstance(open_log(settings, "cluster"), JoinedLog)
    with pytest.raises(LogAwayError, match="another log"):
        open_log(settings, "another")
    with pytest.raises(LogAwayError, match="no archive"):
        open_log(Settings(archive=tmp_path / "nothing"), "cluster")
