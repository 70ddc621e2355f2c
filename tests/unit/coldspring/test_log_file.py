"""The reader of event logs."""

import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldspring.errors import CommandError
from coldspring.log_file import KINDS, LogLine, read_lines, read_logs
from recommender.events import MAX_EVENT_BYTES

CLICK = b'{"kind":"interaction","user_id":"u1","item_id":"i9","type":"click","timestamp":5}'


def lines(data: bytes) -> list[LogLine]:
    return list(read_lines(io.BytesIO(data), "log"))


def reason(data: bytes) -> str | None:
    (line,) = lines(data)
    return line.error.reason if line.error else None


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_key(kind: str) -> None:
    event = {"kind": kind, "user_id": "u1", "item_id": "i9", "timestamp": 5}
    (line,) = lines(json.dumps(event).encode())
    assert (line.kind, line.key, line.error) == (kind, "i9" if kind == "item" else "u1", None)


def test_bom_crlf_blanks_and_a_missing_last_newline_are_fine() -> None:
    found = lines(b"\xef\xbb\xbf" + CLICK + b"\r\n\r\n  \n" + CLICK + b"\n\n" + CLICK)
    assert [(line.number, line.value, line.error) for line in found] == [(n, CLICK, None) for n in (1, 4, 6)]


def test_a_removed_item_is_an_empty_value() -> None:
    (line,) = lines(b'{"kind":"item","item_id":"i9","removed":true}')
    assert (line.key, line.value) == ("i9", None)
    (kept,) = lines(b'{"kind":"item","item_id":"i9","removed":false,"title":"t","timestamp":1}')
    assert kept.value


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"nonsense", "not_json"),
        (b'{"kind":"item"', "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[1]", "not_object"),
        (b"null", "not_object"),
        (b"{}", "bad_kind"),
        (b'{"kind":["item"]}', "bad_kind"),
        (b'{"kind":"view"}', "bad_kind"),
        (b'{"kind":"item","removed":true}', "missing_field"),
        (b'{"kind":"item","item_id":"","removed":true}', "bad_id"),
        (b'{"kind":"item","x":' + b"[" * 100_000, "too_deep"),
        (b'{"kind":"item","text":"' + b"x" * MAX_EVENT_BYTES + b'"}', "too_large"),
    ],
)
def test_a_bad_line_says_why(line: bytes, expected: str) -> None:
    assert reason(line) == expected


def test_a_line_that_is_too_long_does_not_swallow_its_neighbours() -> None:
    found = lines(CLICK + b"\n" + b"x" * (3 * MAX_EVENT_BYTES) + b"\n" + CLICK)
    assert [(line.number, line.error.reason if line.error else None) for line in found] == [
        (1, None), (2, "too_large"), (3, None)
    ]  # fmt: skip


@given(st.lists(st.binary(max_size=60).filter(lambda b: b"\n" not in b), max_size=20))
def test_any_bytes_are_lines_with_their_numbers(parts: list[bytes]) -> None:
    data = b"\n".join(parts)
    found = lines(data)
    blank = [number for number, part in enumerate(parts, 1) if not part.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n")]
    numbers = [line.number for line in found]
    assert set(numbers) | set(blank) >= set(range(2, len(parts) + 1))
    assert numbers == sorted(set(numbers))
    assert all(line.error or line.kind in KINDS for line in found)


@given(st.lists(st.sampled_from([CLICK, b"", b"nonsense", b"  "]), max_size=30), st.integers(1, 40))
def test_until_is_the_head_of_the_file(parts: list[bytes], until: int) -> None:
    whole = lines(b"\n".join(parts))
    head = lines(b"\n".join(parts[:until]))
    assert [(line.number, line.value) for line in whole if line.number <= until] == [
        (line.number, line.value) for line in head
    ]


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "no-suffix"])
def test_plain_and_gzip_are_told_by_their_bytes(tmp_path: Path, name: str) -> None:
    for packed in (True, False):
        log = tmp_path / name
        log.write_bytes(gzip.compress(CLICK + b"\n") + gzip.compress(CLICK) if packed else CLICK + b"\n" + CLICK)
        assert [line.value for line in read_logs([str(log)])] == [CLICK, CLICK]


def test_until_counts_over_several_logs(tmp_path: Path) -> None:
    logs = []
    for number in range(3):
        log = tmp_path / f"{number}.jsonl"
        log.write_bytes(CLICK + b"\n\n" + CLICK + b"\n")
        logs.append(str(log))
    assert len(list(read_logs(logs))) == 6
    assert [line.source for line in read_logs(logs, until=4)] == [logs[0], logs[0], logs[1]]


def test_a_log_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        list(read_logs([str(tmp_path / "missing")]))
    torn = tmp_path / "torn.gz"
    torn.write_bytes(gzip.compress(CLICK * 100)[:-9])
    with pytest.raises(CommandError, match="its end"):
        list(read_logs([str(torn)]))
