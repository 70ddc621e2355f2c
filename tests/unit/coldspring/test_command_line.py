"""The command line's contract: exit codes, one line on stderr, one JSON value on stdout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coldspring import cli
from coldspring.cli.output import plain

LOG = """{"kind":"item","item_id":"i9","title":"Alien (1979)","timestamp":1}
{"kind":"interaction","user_id":"u1","item_id":"i9","type":"click","timestamp":5}
nonsense
{"kind":"interaction","user_id":"u2","item_id":"i9","type":"click","timestamp":6,"event_id":"x"}
{"kind":"interaction","user_id":"u2","item_id":"i9","type":"click","timestamp":6,"event_id":"x"}
"""
COMMANDS = (
    "demo", "up", "produce", "replay", "recommend", "similar", "trending", "explain", "evaluate", "digest",
    "dead-letters list", "dead-letters retry", "dead-letters reasons", "forget", "doctor", "config show", "top",
    "run", "topics create", "estimate",
)  # fmt: skip
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("COLDSPRING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLDSPRING_DATA", str(tmp_path / "data"))


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "events.jsonl"
    path.write_text(LOG)
    return str(path)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str, capsys: Captured) -> None:
    assert cli.invoke([*name.split(), "--help"]) == 0
    told = capsys.readouterr().out
    assert f"coldspring {name}" in " ".join(told.split())
    assert "Examples" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["frob"], ["recommend"], ["recommend", "u1", "-n", "0"], ["recommend", "u1", "--n", "x"], ["replay"],
        ["replay", "x", "--until", "0"], ["config", "show", "--partitions", "x"], ["trending", "--frob"],
        ["replay", "x", "--direct", "--bootstrap", "localhost:1"], ["evaluate", "x", "--model", "none"],
        ["run", "nothing"],
    ],
)  # fmt: skip
def test_wrong_use_is_2(arguments: list[str], capsys: Captured) -> None:
    assert cli.invoke(arguments) == 2
    told = capsys.readouterr()
    assert not told.out
    assert told.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["recommend", "u1", "--http", "127.0.0.1:1"],
        ["similar", "i9", "--http", "127.0.0.1:1", "--json"],
        ["forget", "u1", "--http", "127.0.0.1:1"],
        ["replay", "/does/not/exist"],
        ["evaluate", "/does/not/exist"],
        ["digest", "--redis", "redis://127.0.0.1:1/0", "--cluster", "none"],
    ],
)
def test_a_failure_is_1_with_one_line(arguments: list[str], capsys: Captured) -> None:
    assert cli.invoke(arguments) == 1
    told = capsys.readouterr()
    assert not told.out
    assert told.err.startswith("coldspring: ")
    assert told.err.count("\n") == 1


def test_replay_prints_the_digest_last(log: str, capsys: Captured) -> None:
    assert cli.invoke(["replay", log]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert cli.invoke(["replay", log, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert last == f"digest {report['digest']}"
    assert report["counts"] == {"applied": 2, "duplicates": 1, "dead_letters": 0}
    assert sum(report["position"]["interactions"]) == 3


def test_replay_until(log: str, capsys: Captured) -> None:
    assert cli.invoke(["replay", log, "--until", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["applied"] == 1


def test_evaluate_has_the_metrics(log: str, capsys: Captured) -> None:
    assert cli.invoke(["evaluate", log, "--model", "popularity", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = {f"{name}@10" for name in ("hr", "ndcg", "mrr", "precision", "recall", "f1", "coverage", "diversity")}
    assert names <= set(found)
    assert names <= set(found["cold_items"])
    assert names <= set(found["cold_users"])
    assert (found["hr@10"], found["skipped"]) == (1.0, 1)


def test_config_show_has_values_and_origins(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("COLDSPRING_PREFIX", "shop.")
    assert cli.invoke(["config", "show", "--partitions", "3", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {"http", "bootstrap", "redis", "prefix", "partitions"} <= set(shown)
    assert (shown["prefix"], shown["partitions"]) == (
        {"value": "shop.", "origin": "environment"},
        {"value": 3, "origin": "option"},
    )


def test_reasons_are_the_closed_list(capsys: Captured) -> None:
    from recommender.reasons import REASONS

    assert cli.invoke(["dead-letters", "reasons", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == REASONS


def test_titles_cannot_steer_a_terminal() -> None:
    assert plain("\x1b[31mred\u202e\n") == "?[31mred??"


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coldspring", *arguments]
    return subprocess.run(command, check=False, input=stdin, capture_output=True, text=True, timeout=60)


def test_a_log_from_stdin_and_pure_json_in_a_process_of_its_own(log: str) -> None:
    done = run("replay", "-", "--json", stdin=LOG)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["counts"]["applied"] == 2
    assert run("replay", "/does/not/exist").returncode == 1
    assert run("frob").returncode == 2


def test_importing_connects_nothing_and_loads_little() -> None:
    heavy = ("kafka", "httpx", "numpy", "pydantic", "rich")
    code = f"import coldspring, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom coldspring import cli\ncli.invoke(['--help'])\n"
        "heavy = ('numpy', 'kafka', 'httpx', 'redis', 'torch', 'numba', 'faust', 'pydantic_settings')\n"
        "sys.stderr.write(' '.join(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
