"""The dials of a list, over HTTP and in the shell: what was shown, the mix, caps, rules, contexts."""

import time
import uuid
from collections import Counter
from typing import Any

import pytest

from coldspring import Client
from coldspring.errors import RefusedError
from tests.rig import shelf
from tests.rig.system import RunningSystem, eventually

CATEGORIES = {one["item_id"]: one["categories"] for one in shelf.items()}


def ids(answer: dict[str, Any]) -> list[str]:
    return [one["item_id"] for one in answer["items"]]


def adds_up(answer: dict[str, Any]) -> None:
    scores = [one["score"] for one in answer["items"]]
    assert scores == sorted(scores, reverse=True)
    for one in answer["items"]:
        assert abs(sum(reason["score"] for reason in one["reasons"]) - one["score"]) < 1e-6, one


@pytest.fixture
def user() -> str:
    return f"u-{uuid.uuid4().hex[:8]}"


def likes(client: Client, user: str, *items: str) -> None:
    client.events([{"user_id": user, "item_id": item, "type": "like"} for item in items])
    eventually(lambda: len(client.user(user)["history"]) >= len(items))


def shows(client: Client, user: str, answer: dict[str, Any]) -> None:
    """Tell that a list was shown, and wait until that is known."""
    seen = {"user_id": user, "type": "impression", "items": ids(answer), "request_id": answer["request_id"]}
    client.events(seen)
    eventually(lambda: set(ids(answer)) in [set(one["items"]) for one in client.export(user)["shown"]])


def test_consecutive_lists_do_not_repeat(client: Client, user: str) -> None:
    likes(client, user, "joy", "baking")
    lists: list[list[str]] = []
    for _ in range(3):
        answer = client.recommend(user, n=8, explain=True)
        adds_up(answer)
        assert len(answer["items"]) == 8
        assert not lists or not set(lists[-1]) & set(ids(answer))
        lists.append(ids(answer))
        shows(client, user, answer)
    everything = client.recommend(user, n=100, explain=True)
    adds_up(everything)
    assert set(lists[-1]) == set(ids(everything)[-8:]), "what was shown last comes when nothing else is left"
    assert any(reason["part"] == "fatigue" for reason in everything["items"][-1]["reasons"])
    assert set(lists[0]) & set(ids(client.recommend(user, n=8, fatigue=0)))


def test_lists_do_not_repeat_for_who_is_new(client: Client, user: str) -> None:
    first = client.recommend(user, n=8)
    assert not set(ids(first)) & set(ids(client.recommend(user, n=8, shown=ids(first))))
    shows(client, user, first)
    assert not set(ids(first)) & set(ids(client.recommend(user, n=8)))


def test_caps_rules_and_the_mix(client: Client, user: str, system: RunningSystem) -> None:
    likes(client, user, "joy", "baking", "santi", "dune")
    dials = {"diversity": 0.4, "max_per_category": 2}
    answer = client.query(user_id=user, n=8, explain=True, **dials)
    adds_up(answer)
    known = [name for item in ids(answer) for name in CATEGORIES.get(item, ())]
    assert known
    assert max(Counter(known).values()) <= 2

    rules = [{"category": "Farming", "boost": 100}, {"category": "Sci-Fi", "domain": "films", "boost": -100}]
    answer = client.query(user_id=user, n=20, explain=True, rules=rules)
    adds_up(answer)
    assert ids(answer)[0] == "zhubajie"
    assert {"part": "rule", "score": 100.0, "because": []} in answer["items"][0]["reasons"]
    assert not {"alien", "blade"} & set(ids(answer)[:15])

    asked = ("-n", "4", "--calibration", "1", "--max-per-category", "2", "--diversity", "0.1", "--explain", "--json")
    answer = system.command("recommend", user, *asked).json()
    adds_up(answer)
    mix = Counter(name for item in ids(answer) for name in CATEGORIES.get(item, ()))
    assert mix["Cooking"] == mix["Sci-Fi"] == 2, "as in the history"
    assert system.command("recommend", user, "--calibration", "2").status == 2
    with pytest.raises(RefusedError, match="category"):
        client.query(user_id=user, rules=[{"boost": 1}])


def test_who_is_new_gets_what_is_liked_where_they_are(client: Client, user: str) -> None:
    here, now = f"country-{user}", time.time_ns() // 1_000_000
    client.events(
        [
            {"user_id": f"{user}-{n}", "item_id": item, "type": "like", "timestamp": now, "context": {"country": here}}
            for n in range(12)
            for item in ("garden", "piano")
        ]
    )

    def told() -> bool:
        answer = client.query(user_id=user, n=5, context={"country": here}, explain=True)
        adds_up(answer)
        parts = {reason["part"] for one in answer["items"] for reason in one["reasons"]}
        return {"garden", "piano"} <= set(ids(answer)) and "trend_context" in parts

    eventually(told, seconds=60, every_s=0.5)
