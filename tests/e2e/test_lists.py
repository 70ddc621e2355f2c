"""What a list does with what somebody does: rules, filters, reasons, positions."""

import itertools
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from coldspring import Client
from tests.rig import shelf
from tests.rig.system import RunningSystem, eventually

STRATEGIES = ("default", "popularity", "item_item", "user_user", "sequence", "mf", "content", "hybrid")
STRANGE = ("a/b", "c:d", "{e}", "😀🎬", "\u200f\u202ertl", " both ends ", "100%", "a%2Fb", "..", "?x#y", "é", "e\u0301")


def ids(answer: dict[str, Any]) -> list[str]:
    return [one["item_id"] for one in answer["items"]]


@pytest.fixture
def user() -> str:
    return f"u-{uuid.uuid4().hex[:8]}"


def does(client: Client, user: str, item: str, type_: str = "click", **more: Any) -> None:
    """Send one interaction and wait until the user's history has it."""
    before = time.time_ns() // 1_000_000
    [event_id] = client.events({"user_id": user, "item_id": item, "type": type_, **more})
    assert event_id

    def learned() -> bool:
        history = client.user(user)["history"]
        return any(one["item_id"] == item and one["type"] == type_ and one["timestamp"] >= before for one in history)

    eventually(learned)


@pytest.fixture
def announced(client: Client) -> Iterator[str]:
    """A fresh item that nobody touched, searchable."""
    name = f"fresh-{uuid.uuid4().hex[:8]}"
    client.items({"item_id": name, "title": "Quick Weekday Recipes", "categories": ["Cooking"], "language": "en",
                  "domain": "books", "text": "A cookbook for people who are in a hurry."})  # fmt: skip
    eventually(lambda: client.item(name)["life"]["indexed"])
    yield name
    client.remove_item(name)


def test_a_click_changes_the_next_list(client: Client, user: str) -> None:
    unknown = client.recommend(user, n=20)
    assert len(unknown["items"]) == 20
    does(client, user, "joy")
    listed = client.recommend(user, n=20)
    assert "joy" not in ids(listed)
    cooking = {"baking", "italian", "grill"}
    places = [ids(listed).index(name) for name in cooking if name in ids(listed)]
    assert min(places) <= 3, [one["title"] for one in listed["items"]]
    assert cooking & set(ids(listed)[:5])


def test_somebody_elses_clicks_bring_an_item_near(client: Client, user: str) -> None:
    for n in range(6):
        client.events([{"user_id": f"{user}-{n}", "item_id": name, "type": "like"} for name in ("tax", "rocky")])
    eventually(lambda: client.user(f"{user}-5")["history"])
    does(client, user, "tax")
    listed = client.recommend(user, n=10, explain=True)["items"]
    [rocky] = [one for one in listed if one["item_id"] == "rocky"]
    assert listed.index(rocky) <= 2
    assert any(reason["because"] == ["tax"] for reason in rocky["reasons"])
    assert "rocky" in [one["item_id"] for one in client.similar("tax", n=3)]


def test_an_item_nobody_touched_reaches_who_would_want_it(client: Client, user: str, announced: str) -> None:
    for item in ("joy", "baking", "italian"):
        does(client, user, item)
    assert announced in ids(client.recommend(user, n=10))
    assert announced in [one["item_id"] for one in client.similar("joy", n=10)]
    assert user in [one["user_id"] for one in client.audience(announced, n=100)]
    eventually(lambda: client.item(announced)["life"]["first_recommended"])
    life = client.item(announced)["life"]
    steps = [life[name] for name in ("arrived", "encoded", "indexed", "first_recommended")]
    assert all(isinstance(step, int) for step in steps), life
    assert steps == sorted(steps)


def test_rules_and_why(client: Client, user: str, announced: str) -> None:
    does(client, user, "joy", "click")
    does(client, user, "baking", "dislike")
    client.events({"user_id": user, "item_id": "grill", "type": "hide"})
    eventually(lambda: "grill" not in ids(client.recommend(user, n=100)))
    client.items({"item_id": f"{user}-away", "title": "Cooking that is out of stock", "available": False})
    client.items({"item_id": f"{user}-old", "title": "Cooking of yesterday", "expires_at": 1_600_000_000_000})
    eventually(lambda: client.item(f"{user}-old")["item_id"])
    eventually(lambda: client.item(f"{user}-away")["item_id"])
    asked = {"user_id": user, "n": 100, "filters": {"language": "en"}, "exclude": ["italian"], "explain": True}
    answer = client.query(**asked)
    rules = {one["item_id"]: one["rule"] for one in answer["left_out"]}
    wanted = {"joy": "seen", "baking": "disliked", "grill": "hidden", "italian": "excluded"}
    assert {name: rules.get(name) for name in wanted} == wanted
    assert set(rules.values()) <= {"seen", "hidden", "disliked", "excluded", "filtered", "unavailable", "expired"}
    assert not {*wanted, f"{user}-away", f"{user}-old"} & set(ids(answer))
    assert {one["item_id"] for one in shelf.items() if one["language"] == "zh"}.isdisjoint(ids(answer))
    again = ids(client.query(user_id=user, n=100, repeat=True))
    assert "joy" in again
    assert not {"baking", "grill"} & set(again)
    for gone in (f"{user}-away", f"{user}-old"):
        client.remove_item(gone)


def test_what_is_bought_after_a_dislike(client: Client, user: str) -> None:
    does(client, user, "garden", "dislike")
    assert "garden" not in ids(client.recommend(user, n=100))
    does(client, user, "garden", "view")
    assert "garden" not in ids(client.recommend(user, n=100))


def test_reasons_add_up_to_the_score(client: Client, user: str) -> None:
    for item in ("santi", "alien"):
        does(client, user, item, "rating", value=5)
    strategies: list[dict[str, Any]] = [{"user_id": user, "strategy": name} for name in STRATEGIES]
    others: list[dict[str, Any]] = [
        {"user_id": user},
        {"user_id": user, "diversity": 0.7},
        {"user_id": user, "text": "cookbook"},
        {"history": ["joy"]},
        {"text": "films about love"},
    ]
    for asked in (*strategies, *others):
        answer = client.query(n=15, explain=True, **asked)
        assert len(answer["items"]) == 15, asked
        for one in answer["items"]:
            total = sum(reason["score"] for reason in one["reasons"])
            assert abs(total - one["score"]) < 1e-6, (asked, one)
            assert one["sources"], (asked, one)
        scores = [one["score"] for one in answer["items"]]
        assert scores == sorted(scores, reverse=True), asked


def test_filters(client: Client) -> None:
    shelf_by_id = {one["item_id"]: one for one in shelf.items()}

    def kept(answer: dict[str, Any]) -> list[dict[str, Any]]:
        assert answer["items"]
        return [shelf_by_id[name] for name in ids(answer) if name in shelf_by_id]

    assert all("Sci-Fi" in one["categories"] for one in kept(client.recommend("x", n=100, category="Sci-Fi")))
    assert all(one["domain"] == "films" for one in kept(client.recommend("x", n=100, domain="films")))
    both = client.query(n=100, filters={"category": "Sci-Fi", "domain": "films", "language": "zh"})
    assert ids(both) == ["liulang"]
    young = client.query(n=100, filters={"max_age_s": 3600})
    assert not set(ids(young)) & set(shelf_by_id)
    assert client.recommend("x", category="no such category")["items"] == []


def test_exclude_and_n(client: Client) -> None:
    first = ids(client.recommend("nobody", n=5))
    assert len(first) == 5
    without = ids(client.recommend("nobody", n=5, exclude=first[:2]))
    assert len(without) == 5
    assert not set(first[:2]) & set(without)
    assert len(ids(client.recommend("nobody", n=1))) == 1
    assert len(ids(client.recommend("nobody"))) == 10


def test_a_history_alone_is_enough(client: Client) -> None:
    answer = client.query(history=["joy", "baking"], n=5)
    assert {"italian", "grill", "chuancai"} & set(ids(answer)[:3]), [one["title"] for one in answer["items"]]
    assert not {"joy", "baking"} & set(ids(answer))


def test_a_removed_item_goes_and_lives_again(client: Client, user: str, announced: str) -> None:
    does(client, user, "joy")
    assert announced in ids(client.recommend(user, n=100))
    client.remove_item(announced)
    eventually(lambda: announced not in ids(client.recommend(user, n=100)))
    eventually(lambda: announced not in [one["item_id"] for one in client.query(text="recipes", n=100)["items"]])
    assert announced not in [one["item_id"] for one in client.similar("joy", n=100)]
    client.items({"item_id": announced, "title": "Quick Recipes, second edition", "categories": ["Cooking"]})
    eventually(lambda: announced in ids(client.recommend(user, n=100)))
    titles = {one["item_id"]: one["title"] for one in client.recommend(user, n=100)["items"]}
    assert titles[announced] == "Quick Recipes, second edition"


def test_an_item_that_becomes_unavailable_or_expires(client: Client, user: str, announced: str) -> None:
    base = {"item_id": announced, "title": "Quick Weekday Recipes", "categories": ["Cooking"]}
    client.items({**base, "available": False})
    eventually(lambda: announced not in ids(client.recommend(user, n=100)))
    client.items({**base, "expires_at": time.time_ns() // 1_000_000 + 1_500})
    eventually(lambda: announced in ids(client.recommend(user, n=100)))
    eventually(lambda: announced not in ids(client.recommend(user, n=100)))


def test_a_click_on_an_unknown_item_is_learned(client: Client, user: str) -> None:
    late = f"late-{user}"
    does(client, user, late)
    eventually(lambda: client.item(late)["counts"] == {"click": 1})
    client.items({"item_id": late, "title": "Announced after its click"})
    eventually(lambda: client.item(late)["title"])
    assert late not in ids(client.recommend(user, n=100))
    assert client.item(late)["counts"] == {"click": 1}


def test_the_position_only_grows_and_includes_what_was_written(client: Client, system: RunningSystem) -> None:
    seen: list[list[int]] = []
    with system.http() as http:
        for n in range(30):
            body = {"user_id": f"p{n % 7}", "item_id": "titanic", "type": "view"}
            [place] = http.post("/v1/events", json=body).json()["written"]
            seen.append(client.recommend(f"p{n % 7}", n=1)["position"]["interactions"])
            assert len(seen[-1]) == 4
    eventually(lambda: client.recommend("x", n=1)["position"]["interactions"][place["partition"]] > place["offset"])
    for before, after in itertools.pairwise(seen):
        assert all(old <= new for old, new in zip(before, after, strict=True))


def test_a_repeated_event_counts_once(client: Client, user: str) -> None:
    body = {"event_id": f"twice-{user}", "user_id": user, "item_id": "casablanca", "type": "click"}
    before = client.status()["duplicates"]
    for _ in range(3):
        client.events(body)
    eventually(lambda: client.status()["duplicates"] == before + 2)
    assert len(client.user(user)["history"]) == 1


def test_the_same_person_under_two_ids(client: Client, user: str) -> None:
    does(client, f"{user}-cookie", "joy")
    client.profiles({"user_id": user, "same_as": [f"{user}-cookie"]})
    eventually(lambda: "joy" not in ids(client.recommend(user, n=100)))


def test_trending_shows_what_rises(client: Client, user: str) -> None:
    def bought() -> int:
        counts: dict[str, int] = client.item("piano")["counts"]
        return counts.get("purchase", 0)

    before = bought()
    events = [{"user_id": f"{user}-{n}", "item_id": "piano", "type": "purchase"} for n in range(40)]
    client.events(events)
    eventually(lambda: bought() == before + 40)
    eventually(lambda: "piano" in [one["item_id"] for one in client.trending(n=3)])
    only = client.trending(n=100, category="Music")
    assert [one["item_id"] for one in only] == ["piano"]


@pytest.fixture(scope="module")
def strange(system: RunningSystem) -> None:
    with Client(system.url) as client:
        client.items([{"item_id": name, "title": f"Strange {name}"} for name in STRANGE])
        client.events([{"user_id": name, "item_id": name, "type": "click"} for name in STRANGE])


@pytest.mark.usefixtures("strange")
@pytest.mark.parametrize("name", STRANGE, ids=ascii)
def test_strange_ids(client: Client, name: str) -> None:
    assert eventually(lambda: client.user(name)["history"])[0]["item_id"] == name
    assert eventually(lambda: client.item(name)["title"]) == f"Strange {name}"
    assert client.item(name)["item_id"] == name
    listed = client.recommend(name, n=100)
    assert listed["user_id"] == name
    assert name not in ids(listed)
    eventually(lambda: client.item(name)["counts"] == {"click": 1})
    assert eventually(lambda: client.similar(name, n=1))
    client.remove_item(name)
    eventually(lambda: name not in ids(client.recommend("x", n=100)))
