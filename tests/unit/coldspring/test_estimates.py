"""From recorded lists and what followed to estimates: on simulated users whose true click rates are known."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from coldspring import cli
from coldspring.estimates import Followed, Join, TooLittleError, estimate
from recommender.decision import Decision
from recommender.event_types import EventTypes
from recommender.events import Interaction
from recommender.query import Parts, Recommendation, Versions
from recommender.seat_policies import POLICIES, SeatPolicy
from recommender.seats import Arm, Seat

NAMES = ["covisit", "content", "newcomer"]
POOL, ARMS, OTHER = 14, 10, 0.01
HOUR = 3_600_000


class Site:
    """Lists of ten, the last place given by chance among 14 items; users who click what their rates say."""

    def __init__(self, seed: int, lists: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.decisions = [self._decision(n) for n in range(lists)]
        self.rates = [self._rates(decision) for decision in self.decisions]

    def _decision(self, n: int) -> Decision:
        rng = self.rng
        parts = np.sort(rng.normal(size=(ARMS, 2)).sum(axis=1))[::-1]
        values = np.stack((parts, rng.normal(size=ARMS), np.zeros(ARMS)), axis=1)
        chances = (1.0 - OTHER * (POOL - ARMS)) * (0.7 * rng.dirichlet(np.ones(ARMS)) + 0.3 / ARMS)
        shown = rng.integers(0, 50, ARMS)
        arms = [
            Arm(f"i{at}", float(p), row.tolist(), int(seen), int(rng.binomial(seen, 0.1)))
            for at, (p, row, seen) in enumerate(zip(chances, values, shown, strict=True))
        ]
        taken = int(rng.choice(POOL, p=[*chances, *[OTHER] * (POOL - ARMS)]))
        items = [Recommendation(name, None, 1.0, []) for name in [*(f"w{at}" for at in range(9)), f"i{taken}"]]
        seat = Seat(9, POOL, OTHER, arms)
        propensities = [1.0] * 9 + [seat.propensity(f"i{taken}")]
        return Decision(
            f"r{n}", f"u{n % 97}", 1_000_000 + n, {"interactions": [0]}, items, Parts(NAMES, [[0.0] * 3] * 10),
            propensities, Versions(0, ""), seats=[seat],
        )  # fmt: skip

    def _rates(self, decision: Decision) -> dict[str, float]:
        """Who scores well is clicked more; who was chosen often, too."""
        arms = decision.seats[0].arms
        rates = {arm.item_id: 0.05 + 0.6 / (1.0 + np.exp(-2.0 * arm.values[0])) + 0.01 * arm.chosen for arm in arms}
        return {**rates, **{f"i{at}": 0.05 for at in range(ARMS, POOL)}}

    def clicks(self) -> list[Interaction]:
        events = []
        for decision, rates in zip(self.decisions, self.rates, strict=True):
            taken = decision.items[9].item_id
            shown = {**{item.item_id: 0.2 for item in decision.items[:9]}, taken: rates[taken]}
            for item, rate in shown.items():
                if self.rng.random() < rate:
                    at = decision.timestamp + 60_000
                    events.append(
                        Interaction(decision.user_id or "", "click", at, item, request_id=decision.request_id)
                    )
        return events

    def truth(self, policy: SeatPolicy) -> float:
        """The click rate that the policy would have, on these very lists."""
        values = []
        for decision, rates in zip(self.decisions, self.rates, strict=True):
            (seat,) = decision.seats
            chances, rest = policy.chances(seat, NAMES)
            listed = sum(p * rates[arm.item_id] for p, arm in zip(chances, seat.arms, strict=True))
            values.append(listed + rest * sum(rates[f"i{at}"] for at in range(ARMS, POOL)))
        return float(np.mean(values))

    def followed(self) -> list[Followed]:
        join = Join(EventTypes())
        for decision in self.decisions:
            join.served(decision)
        for event in self.clicks():
            join.happened(event)
        lists, open_still = join.ended(1_000_000 + 2 * HOUR)
        assert open_still == 0
        return lists


def test_the_true_rate_lies_in_the_intervals() -> None:
    runs, held = 12, Counter[tuple[str, str]]()
    for seed in range(runs):
        site = Site(seed, 300)
        lists = site.followed()
        for name in POLICIES:
            policy = SeatPolicy(name)
            true = site.truth(policy)
            for method, one in estimate(lists, policy)["estimates"].items():
                held[name, method] += one["low"] <= true <= one["high"]
    assert len(held) == 3 * len(POLICIES)
    assert min(held.values()) >= 9, held  # of 95 %: fewer than 9 of 12 happens once in 500


def test_other_weights_are_another_policy() -> None:
    site = Site(1, 1_500)
    lists = site.followed()
    plain, other = SeatPolicy("score"), SeatPolicy("score", {"covisit": -1.0, "content": 0.0})
    best, worst = (estimate(lists, policy)["estimates"]["dr"] for policy in (plain, other))
    assert best["low"] > worst["high"]
    assert worst["low"] <= site.truth(other) <= worst["high"]


def test_as_it_was_is_what_was_earned() -> None:
    site = Site(2, 300)
    lists = site.followed()
    found = estimate(lists, SeatPolicy("logged"))
    earned = np.mean([each.decision.items[9].item_id in each.chosen for each in lists])
    for one in (found["seat"], *(found["estimates"][name] for name in ("ips", "snips"))):
        assert one["value"] == pytest.approx(earned)
        assert one["effective"] == pytest.approx(300)
    assert found["support"] == pytest.approx(0.1)
    assert found["per_place"] == pytest.approx(sum(len(each.chosen) for each in lists) / 3_000)


def event(**changes: Any) -> Interaction:
    return Interaction(
        **{"user_id": "u0", "type": "click", "timestamp": 1_000_001, "item_id": "w3", "request_id": "r0", **changes}
    )


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"type": "purchase"}, True),
        ({"timestamp": 1_000_000 + HOUR}, True),
        ({"timestamp": 1_000_001 + HOUR}, False),
        ({"timestamp": 999_000}, True),  # a clock that is behind
        ({"type": "view"}, False),
        ({"type": "hide"}, False),
        ({"user_id": "u1"}, False),
        ({"request_id": None}, False),
        ({"request_id": "r77"}, False),
    ],
)
def test_which_events_count_for_a_list(changes: dict[str, Any], counts: bool) -> None:
    join = Join(EventTypes())
    join.served(Site(0, 1).decisions[0])
    join.happened(event(**changes))
    ((followed,), _) = join.ended(10**12)
    assert followed.chosen == ({"w3"} if counts else set())


def test_lists_whose_window_is_not_over_wait() -> None:
    join = Join(EventTypes(), ["view"], window_ms=1_000)
    for decision in Site(0, 3).decisions:  # 1 ms after one another
        join.served(decision)
    join.happened(event(type="view"))
    lists, open_still = join.ended(1_000_000 + 1_001)
    assert ([each.decision.request_id for each in lists], open_still) == (["r0", "r1"], 1)
    assert lists[0].chosen == {"w3"}


def test_a_list_asked_for_twice_counts_once() -> None:
    join = Join(EventTypes())
    first = Site(0, 1).decisions[0]
    for decision in (msgspec.structs.replace(first, timestamp=first.timestamp + 5), first):
        join.served(decision)
    ((followed,), _) = join.ended(10**12)
    assert followed.decision.timestamp == first.timestamp


def test_lists_without_chance_tell_nothing() -> None:
    plain = [Followed(msgspec.structs.replace(each, seats=[])) for each in Site(0, 5).decisions]
    with pytest.raises(TooLittleError, match="exploration"):
        estimate(plain, SeatPolicy("uniform"))


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    site = Site(5, 400)
    recorded = tmp_path / "decisions.jsonl.gz"
    late = msgspec.structs.replace(site.decisions[0], request_id="late", timestamp=1_000_000 + 2 * HOUR)
    recorded.write_bytes(gzip.compress(b"\n".join(msgspec.json.encode(each) for each in [*site.decisions, late])))
    log = tmp_path / "events.jsonl"
    lines = [{"kind": "interaction", **msgspec.to_builtins(each)} for each in site.clicks()]
    log.write_text("\n".join(json.dumps(line) for line in [*lines, {"kind": "interaction", "request_id": "r0"}]))
    return ["estimate", "--lists", str(recorded), str(log)]


def test_the_command_reads_files(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke([*files, "--policy", "score", "--weight", "content=0.5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["lists"], told["seats"], told["open"], told["weights"]) == (400, 400, 1, {"content": 0.5})
    assert set(told["estimates"]) == {"ips", "snips", "dr"}
    assert told["estimates"]["ips"]["low"] < told["estimates"]["ips"]["value"] < told["estimates"]["ips"]["high"]
    assert cli.invoke([*files, "--policy", "uniform", "--clip", "2"]) == 0
    shown = capsys.readouterr().out
    assert "doubly robust" in shown
    assert "10.0%" in shown


@pytest.mark.parametrize(
    "wrong",
    [
        ["--policy", "best"], ["--policy", "uniform", "--weight", "content=1"], ["--weight", "content"],
        ["--policy", "score", "--weight", "content=x"], ["--window", "soon"], ["--type", "frob"], ["--clip", "0"],
        ["--clip", "nan"],
    ],
)  # fmt: skip
def test_wrong_use_is_told(files: list[str], wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke([*files, *wrong]) == 2
    assert not capsys.readouterr().out
    assert cli.invoke(files[:3]) == 2  # lists without a log


def test_what_can_not_be_read_is_told(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"request_id": "r"}\n')
    for path, words in ((bad, "line 1"), (tmp_path / "none.jsonl", "none.jsonl")):
        assert cli.invoke(["estimate", "--lists", str(path), files[3]]) == 1
        assert words in capsys.readouterr().err
    assert cli.invoke([*files, "--window", "30d"]) == 1
    assert "windows of 401 lists" in capsys.readouterr().err
