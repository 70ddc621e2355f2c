"""The commands as a shell sees them: what they print, where, and their exit status."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from coldspring import replay
from tests.e2e.conftest import log_events
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.system import RunningSystem, command

NOWHERE = ("--bootstrap", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1/0", "--http", "127.0.0.1:1")


def plain_lines() -> list[bytes]:
    """The lines of the session's log, as bytes."""
    return [
        (event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)).encode() for event in log_events()
    ]


def test_one_log_in_every_wrapping_has_one_digest(log: Path, tmp_path: Path) -> None:
    lines = plain_lines()
    told = command("replay", str(log), "--json", data=tmp_path).json()
    assert set(told) == {"digest", "position", "counts"}
    assert told["digest"].startswith("sha256:")
    assert len(told["digest"]) == 7 + 64
    assert len(told["position"]["interactions"]) == 4
    assert told["counts"] == {"applied": 394, "duplicates": 6, "dead_letters": 5}
    wrapped = tmp_path / "wrapped"
    wrapped.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n  \r\n".join(lines))
    assert replay(wrapped).report() == told
    (tmp_path / "no-ending.gz").write_bytes(gzip.compress(b"\n".join(lines)))
    assert replay(tmp_path / "no-ending.gz").digest == told["digest"]
    (tmp_path / "a").write_bytes(b"\n".join(lines[:200]))
    rest = b"\n".join(lines[200:])
    elsewhere = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    shown = command("replay", str(tmp_path / "a"), "-", data=tmp_path, stdin=rest, **elsewhere)
    assert shown.status == 0
    assert shown.out.splitlines()[-1] == f"digest {told['digest']}"


def test_until_takes_the_first_lines(log: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.jsonl"
    short.write_bytes(b"\n".join(plain_lines()[:150]))
    until = command("replay", str(log), "--until", "150", "--json", data=tmp_path).json()
    assert until == replay(short).report()
    assert until["digest"] != replay(log).digest


def test_through_a_real_broker(log: Path, kafka: KafkaBroker, redis_server: RedisServer, tmp_path: Path) -> None:
    through = ("--bootstrap", kafka.bootstrap, "--redis", redis_server.url)
    assert command("replay", str(log), *through, "--json", data=tmp_path).json() == replay(log).report()


def test_the_settings(tmp_path: Path) -> None:
    shown = command("config", "show", "--json", "--prefix", "shop.", data=tmp_path, COLDSPRING_PARTITIONS="8").json()
    assert {"http", "bootstrap", "redis", "prefix", "partitions"} <= set(shown)
    assert shown["prefix"] == {"value": "shop.", "origin": "option"}
    assert shown["partitions"] == {"value": 8, "origin": "environment"}
    assert shown["http"]["origin"] == "default"
    hidden = command("config", "show", "--json", "--redis", "redis://me:secret@host:1/0", data=tmp_path)
    assert "secret" not in hidden.out + hidden.err


def test_the_settings_of_the_running_system(system: RunningSystem) -> None:
    shown = system.command("config", "show", "--json").json()
    assert f"http://{shown['http']['value']}" == system.url
    assert shown["bootstrap"] == {"value": system.bootstrap, "origin": "running system"}


def test_the_doctor(system: RunningSystem, tmp_path: Path) -> None:
    findings = system.command("doctor", "--json").json()
    assert {"fail"}.isdisjoint(one["outcome"] for one in findings), findings
    assert {"check", "outcome", "found", "advice"} <= set(findings[0])
    ill = command("doctor", *NOWHERE, "--encoder", "hashing", data=tmp_path)
    assert ill.status == 1
    assert len(ill.err.splitlines()) == 1


def test_questions_to_the_running_system(system: RunningSystem) -> None:
    trending = system.command("trending", "--json").json()
    assert set(trending) == {"items"}
    similar = system.command("similar", "joy", "-n", "3", "--json").json()
    assert len(similar["items"]) == 3
    assert similar["items"][0]["item_id"] in ("baking", "italian", "grill", "chuancai")
    [first, *_] = system.command("recommend", "nobody", "--explain", "--json").json()["items"]
    explained = system.command("explain", "nobody", first["item_id"], "--json").json()
    assert explained["place"] == 1
    assert abs(sum(one["score"] for one in explained["reasons"]) - explained["score"]) < 1e-6
    for one in (("similar", "joy"), ("trending",), ("explain", "nobody", first["item_id"])):
        shown = system.command(*one)
        assert (shown.status, shown.err) == (0, "")
        assert "item" in shown.out


@pytest.mark.parametrize(
    ("status", "arguments"),
    [
        (0, ["--help"]),
        (0, ["--version"]),
        (2, ["no-such-command"]),
        (2, ["recommend"]),
        (2, ["recommend", "u1", "-n", "0"]),
        (2, ["recommend", "u1", "--no-such-option"]),
        (2, ["replay"]),
        (2, ["replay", "x", "--until", "0"]),
        (2, ["config", "show", "--partitions", "none"]),
        (2, ["config", "show", "--http", "nonsense"]),
        (1, ["replay", "no such file"]),
        (1, ["recommend", "u1", *NOWHERE]),
        (1, ["digest", *NOWHERE]),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else str(value),
)
def test_exit_codes(status: int, arguments: list[str], tmp_path: Path) -> None:
    ended = command(*arguments, data=tmp_path)
    assert ended.status == status, ended
    assert "Traceback" not in ended.err
    if status == 1:
        assert len(ended.err.splitlines()) == 1, ended.err
        assert ended.out == ""


def test_the_evaluation(tmp_path: Path) -> None:
    taste = tmp_path / "taste.jsonl"
    taste.write_bytes(b"\n".join(plain_lines()[:330]))
    found = command("evaluate", str(taste), "--json", data=tmp_path).json()
    figures = [f"{name}@10" for name in ("hr", "ndcg", "mrr", "precision", "recall", "f1", "coverage", "diversity")]

    def complete(part: dict[str, Any]) -> None:
        assert set(figures) <= set(part)
        assert all(part[name] is None or 0 <= part[name] <= 1 for name in figures), part

    complete(found)
    complete(found["cold_items"])
    complete(found["cold_users"])
    popular = command("evaluate", str(taste), "--model", "popularity", "--json", data=tmp_path).json()
    assert found["hr@10"] > popular["hr@10"]
    unknown = command("evaluate", str(taste), "--model", "magic", data=tmp_path)
    assert unknown.status == 2


def test_the_module_is_the_command(tmp_path: Path) -> None:
    import subprocess
    import sys

    ended = subprocess.run([sys.executable, "-m", "coldspring", "--version"], capture_output=True, check=True)
    assert ended.stdout == command("--version", data=tmp_path).out.encode()
