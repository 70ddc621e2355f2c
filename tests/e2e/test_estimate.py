"""Lists whose last seat chance gave, clicks on them, and what another policy would have had: as a user asks."""

from __future__ import annotations

import time

import pytest

from coldspring import Client
from tests.rig.system import RunningSystem, eventually

LISTS = 60


def test_clicks_on_seats_that_chance_gave_tell_of_other_policies(real_system: RunningSystem) -> None:
    with Client(real_system.url) as client:
        fresh = [{"item_id": f"fresh{n}", "title": f"A fresh thing, number {n}"} for n in range(12)]
        client.items(fresh)
        eventually(lambda: client.item("fresh11")["title"])
        answers = [client.recommend(f"explorer{n}", n=10) for n in range(LISTS)]
        events = []
        for answer in answers[::2]:  # every second user takes whatever stands last
            event = {"user_id": answer["user_id"], "item_id": answer["items"][-1]["item_id"], "type": "click"}
            events.append({**event, "request_id": answer["request_id"], "timestamp": time.time_ns() // 1_000_000})
        client.events(events)

    def told(policy: str) -> dict[str, dict[str, dict[str, float]]]:
        report = real_system.command("estimate", "--policy", policy, "--window", "10s", "--json").json()
        assert report["lists"] >= LISTS
        assert report["seat"]["value"] > 0.0
        found: dict[str, dict[str, dict[str, float]]] = report
        return found

    logged = eventually(lambda: told("logged"), seconds=60)
    for method in ("ips", "snips"):
        assert logged["estimates"][method]["value"] == pytest.approx(logged["seat"]["value"])
    other = told("uniform")
    assert other["seat"] == logged["seat"]
    assert other["estimates"]["dr"]["effective"] < logged["estimates"]["dr"]["effective"]
