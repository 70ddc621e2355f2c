"""The seeded log of every trial: clicks of 500 users on 300 items, Zipf 1.1, with items, bad events and repeats."""

import json
import random
from dataclasses import dataclass
from typing import Final

USERS: Final = 500
ITEMS: Final = 300
SINCE_MS: Final = 1_700_000_000_000
TOPICS: Final = {"interaction": "interactions", "item": "items", "profile": "profiles"}


@dataclass(frozen=True, slots=True)
class Event:
    """One record: its kind, the id that decides its partition, its bytes."""

    kind: str
    identity: str
    value: bytes | None


def clicks(rng: random.Random, count: int, first: int = 0, repeated: float = 0.01, bad: float = 0.005) -> list[Event]:
    """Numbered clicks; a share repeats an earlier event id of the same user, a share is no JSON."""
    weights = [1.0 / (rank + 1) ** 1.1 for rank in range(ITEMS)]
    chosen = rng.choices(range(ITEMS), weights, k=count)
    last: dict[str, str] = {}
    events = []
    for number, item in enumerate(chosen, first):
        user = f"u{rng.randrange(USERS)}"
        again = user in last and rng.random() < repeated
        event_id = last[user] if again else f"e{number}"
        last[user] = event_id
        body = {
            "event_id": event_id,
            "user_id": user,
            "item_id": f"i{item}",
            "type": rng.choice(("click", "view", "like")),
            "timestamp": SINCE_MS + 1_000 * number,
        }
        events.append(Event("interaction", user, b"{bad" if rng.random() < bad else json.dumps(body).encode()))
    return events


def passing_clicks(rng: random.Random, count: int, first: int = 0) -> list[Event]:
    """Numbered clicks, two on each item: the next ones take its place."""
    events = []
    for number in range(first, first + count):
        user, item = f"u{rng.randrange(USERS)}", f"passing{number // 2}"
        body = {"event_id": f"p{number}", "user_id": user, "item_id": item, "type": "click"}
        value = json.dumps({**body, "timestamp": SINCE_MS + 1_000 * number}).encode()
        events.append(Event("interaction", user, value))
    return events


def items(rng: random.Random, count: int = ITEMS, edition: int = 0) -> list[Event]:
    """Announcements, one in ten of them a removal of an item announced before."""
    events = []
    for number in range(count):
        name = f"i{rng.randrange(ITEMS) if edition else number}"
        body = {"item_id": name, "title": f"{name} of edition {edition}", "timestamp": SINCE_MS + number}
        removed = bool(edition or number > 10) and rng.random() < 0.1
        events.append(Event("item", name, None if removed else json.dumps(body).encode()))
    return events


def profiles(rng: random.Random, count: int) -> list[Event]:
    """What users say of themselves."""
    users = [f"u{rng.randrange(USERS)}" for _ in range(count)]
    return [
        Event("profile", user, json.dumps({"user_id": user, "text": f"words {n}", "timestamp": SINCE_MS + n}).encode())
        for n, user in enumerate(users)
    ]
