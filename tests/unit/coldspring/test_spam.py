"""One account, or ten, cannot push an item into honest users' lists."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from coldspring.log_replay import Replayed, replay
from coldspring.settings import Settings

USERS, ITEMS, CLICKS = 500, 300, 20_000
SINCE_MS = 1_700_000_000_000
TARGET = "i250"
ATTACKS = {
    "ten accounts": [(f"spam{n % 10}", TARGET) for n in range(300)],
    "one account": [("spam", TARGET)] * 10_000,
    "ten accounts between popular items": [
        (f"spam{n % 10}", item) for n in range(300) for item in (TARGET, f"i{n % 20}")
    ],
}


def log(folder: Path, attack: list[tuple[str, str]]) -> Path:
    """The reference stream of clicks, Zipf 1.1, and the attack at its end."""
    rng = random.Random(4)
    chosen = rng.choices(range(ITEMS), [1.0 / (rank + 1) ** 1.1 for rank in range(ITEMS)], k=CLICKS)
    clicks = [*((f"u{rng.randrange(USERS)}", f"i{item}") for item in chosen), *attack]
    lines: list[dict[str, object]] = [
        {"kind": "item", "item_id": f"i{n}", "title": f"title {n}", "timestamp": SINCE_MS} for n in range(ITEMS)
    ]
    lines += [
        {"kind": "interaction", "user_id": user, "item_id": item, "type": "click", "timestamp": SINCE_MS + 1_000 * n}
        for n, (user, item) in enumerate(clicks)
    ]
    path = folder / "events.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def reached(state: Replayed, users: list[str], **query: object) -> float:
    """The share of users whose top 10 has the item."""
    lists = [{item["item_id"] for item in state.recommend(user, n=10, **query)["items"]} for user in users]
    return sum(TARGET in found for found in lists) / len(lists)


@pytest.mark.parametrize("attack", ATTACKS)
def test_spam_reaches_the_top_ten_of_hardly_anybody(tmp_path: Path, attack: str) -> None:
    state = replay(log(tmp_path, ATTACKS[attack]))
    assert reached(state, [f"u{n}" for n in range(0, USERS, 4)]) <= 0.05
    assert reached(state, ["nobody knows me"]) == 0.0
    assert reached(state, ["u1"], strategy="popularity") == 0.0


def test_without_the_cap_one_account_leads_what_is_popular(tmp_path: Path) -> None:
    state = replay(log(tmp_path, ATTACKS["one account"]), settings=Settings(influence=0))
    assert reached(state, ["nobody knows me"]) == 1.0
    assert reached(state, ["u1"], strategy="popularity") == 1.0
