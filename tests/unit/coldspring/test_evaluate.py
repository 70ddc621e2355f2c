"""`coldspring evaluate`: its options, its files, and what another evaluator makes of them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import ir_measures
import pytest
from ir_measures import RR, P, R, Success, nDCG

from coldspring import cli
from coldspring.evaluation import Protocol, evaluate_lines
from coldspring.log_file import read_logs
from coldspring.settings import Settings

START = 1_367_884_800_000
WORDS = ("red wine from the south", "dark beer with malt", "green tea of the hills")


@pytest.fixture
def log(tmp_path: Path) -> str:
    """Users who like one of three kinds of items, and now and then another."""
    rng, path = random.Random(4), tmp_path / "events.jsonl"
    lines: list[dict[str, Any]] = [
        {"kind": "item", "item_id": f"item {n}", "title": f"{WORDS[n % 3]} {n}", "categories": [f"c{n % 3}"],
         "timestamp": START}
        for n in range(30)
    ]  # fmt: skip
    for number in range(400):
        user = rng.randrange(40)
        item = 3 * rng.randrange(10) + user % 3 if rng.random() < 0.9 else rng.randrange(30)
        lines.append({"kind": "interaction", "user_id": f"u{user}", "item_id": f"item {item}", "type": "click",
                      "timestamp": START + 60_000 * number})  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)))
    return str(path)


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.invoke(["evaluate", *arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("model", ["popularity", "item_item", "vs_knn"])
def test_another_evaluator_measures_the_same_on_the_dumped_runs(
    model: str, log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluated(capsys, log, "--model", model, "--every", "2", "--k", "5", "--dump", str(tmp_path / "runs"))
    judged = list(ir_measures.read_trec_qrels(str(tmp_path / "runs" / "qrels.txt")))  # type: ignore[no-untyped-call]
    listed = list(ir_measures.read_trec_run(str(tmp_path / "runs" / "run.txt")))  # type: ignore[no-untyped-call]
    names = {Success @ 5: "hr@5", nDCG @ 5: "ndcg@5", RR @ 5: "mrr@5", P @ 5: "precision@5", R @ 5: "recall@5"}
    theirs = ir_measures.calc_aggregate(list(names), judged, listed)
    assert len(judged) == found["events"] == 200
    assert 0.05 < found["hr@5"] < 0.9
    for measure, name in names.items():
        assert theirs[measure] == pytest.approx(found[name], abs=1e-9), name


def test_an_evaluation_stops_at_its_limit(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluated(capsys, log, "--model", "popularity", "--limit", "100", "--every", "4")
    assert (found["learned"], found["events"]) == (100, 25)
    assert evaluated(capsys, log, "--model", "popularity", "--until", "50")["learned"] == 20  # 30 lines are items


def test_own_items_are_ranked_where_users_repeat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "music.jsonl"
    events = [{"kind": "interaction", "user_id": f"u{n % 3}", "item_id": f"song{n % 3}", "type": "click",
               "timestamp": START + n} for n in range(30)]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, events)))
    assert evaluated(capsys, str(path), "--model", "popularity")["hr@10"] == 0.0
    assert evaluated(capsys, str(path), "--model", "popularity", "--repeats")["hr@10"] == 0.9


def test_late_feedback_costs_and_own_feedback_gives_some_back(log: str) -> None:
    def rate(**options: Any) -> float:
        found = evaluate_lines(read_logs([log]), "item_item", Settings(), Protocol(k=5, **options))
        return float(found["hr@5"])

    at_once, late, own = rate(), rate(delay_s=4 * 3600), rate(delay_s=4 * 3600, own_at_once=True)
    assert at_once >= own > late


def test_windows_are_given_and_drawn(log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "windows.png"
    found = evaluated(capsys, log, "--model", "item_item", "--window", "50", "--plot", str(picture))
    assert len(found["windows"]) == 15
    assert {"event", "timestamp", "hr@10", "ndcg@10", "cold_items_hr@10"} <= set(found["windows"][0])
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    assert width > 600 < height
    nowhere = str(tmp_path / "no folder" / "windows.png")
    assert cli.invoke(["evaluate", log, "--model", "popularity", "--plot", nowhere]) == 1
    assert "no folder" in capsys.readouterr().err


def test_encoded_items_are_found_by_what_they_are_about(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = (log, "--model", "content", "--k", "3")
    with_text = evaluated(capsys, *asked, "--encode", "--encoder", "hashing")
    assert with_text["hr@3"] > evaluated(capsys, *asked)["hr@3"] + 0.05


@pytest.mark.parametrize("wrong", [["--k", "0"], ["--own-at-once"], ["--window", "1"], ["--delay", "-1"]])
def test_wrong_use_is_refused(wrong: list[str], log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["evaluate", log, *wrong]) == 2
    assert "Traceback" not in capsys.readouterr().err
