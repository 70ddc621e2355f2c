"""Earlier states, edited logs, what was served, and the archive: on a real Kafka and Redis, as a user asks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coldspring import Client
from coldspring.ask_past import recommend_as_of
from coldspring.cli.command import known
from coldspring.settings import load
from tests.rig.system import RunningSystem, eventually

LIKES = ("dune", "neuromancer", "blade", "contact")


@pytest.fixture
def client(real_system: RunningSystem) -> Iterator[Client]:
    with Client(real_system.url) as client:
        yield client


def click(client: Client, user: str, item: str, event_id: str) -> None:
    client.events(
        {"event_id": event_id, "user_id": user, "item_id": item, "type": "click",
         "timestamp": time.time_ns() // 1_000_000}
    )  # fmt: skip


def seen(client: Client, user: str) -> list[str]:
    return [one["item_id"] for one in client.user(user)["history"]]


@pytest.fixture(scope="module")
def reader(real_system: RunningSystem) -> str:
    """A user with a history, and others like them."""
    with Client(real_system.url) as client:
        for n in range(6):
            for item in LIKES:
                click(client, f"traveller{n}", item, f"{item}-{n}")
        for item in LIKES[:3]:
            click(client, "looks-back", item, f"looks-back-{item}")
        eventually(lambda: len(seen(client, "looks-back")) == 3 and len(seen(client, "traveller5")) == 4, seconds=60)
    return "looks-back"


def scores(answer: dict[str, Any]) -> dict[str, Any]:
    return {one["item_id"]: pytest.approx(one["score"], abs=1e-6) for one in answer["items"]}


def test_a_decision_gives_back_the_list_and_parts_that_add_up(
    real_system: RunningSystem, client: Client, reader: str
) -> None:
    served = client.recommend(reader, n=5)

    def recorded() -> dict[str, Any]:
        done = real_system.command("decision", served["request_id"], "--json")
        assert done.status == 0
        found: dict[str, Any] = done.json()
        return found

    decision = eventually(recorded, seconds=60)
    assert scores(decision) == {one["item_id"]: one["score"] for one in served["items"]}
    assert (decision["position"], decision["user_id"]) == (served["position"], reader)
    assert set(decision["versions"]) == {"weights", "index", "clicks"}
    (seat,) = decision["seats"]
    taken = decision["items"][seat["place"]]["item_id"]
    chances = {arm["item_id"]: arm["propensity"] for arm in seat["arms"]}
    assert decision["propensities"][seat["place"]] == chances.get(taken, seat["other"])
    assert sum(chances.values()) + seat["other"] * (seat["pool"] - len(chances)) == pytest.approx(1.0)
    assert [p for place, p in enumerate(decision["propensities"]) if place != seat["place"]] == [1.0] * 4
    for one, values in zip(decision["items"], decision["parts"]["values"], strict=True):
        assert sum(values) == pytest.approx(one["score"], abs=1e-6)
        assert sum(reason["score"] for reason in one["reasons"]) == pytest.approx(one["score"], abs=1e-6)
    assert "parts" not in served


def as_of(system: RunningSystem, user: str, n: int, answer: dict[str, Any]) -> dict[str, Any]:
    """What the command prints, without the start of a process for each look; chance falls as it fell for the answer."""
    settings = known(load({"data": str(system.data)})).settings
    query = {"user_id": user, "n": n, "request_id": answer["request_id"]}
    return recommend_as_of(settings, position(answer), query, lambda _: None)


def test_as_of_now_is_the_live_list_and_as_of_before_an_event_is_the_list_of_then(
    real_system: RunningSystem, client: Client, reader: str
) -> None:
    def same() -> dict[str, Any]:
        live = client.recommend(reader, n=8)
        # The trainer may have published new weights in between: then once more.
        assert scores(as_of(real_system, reader, 8, live)) == {one["item_id"]: one["score"] for one in live["items"]}
        return live

    before = eventually(same, seconds=60)
    click(client, reader, "alien", "looks-back-alien")
    eventually(lambda: len(seen(client, reader)) == 4, seconds=30)
    now = client.recommend(reader, n=100)
    assert "alien" not in {one["item_id"] for one in now["items"]}
    then = as_of(real_system, reader, 100, before)
    assert "alien" in {one["item_id"] for one in then["items"]}
    assert then["position"] == before["position"]


def test_an_event_taken_out_of_the_log_opens_what_it_closed(
    real_system: RunningSystem, client: Client, reader: str
) -> None:
    click(client, reader, "godfather", "looks-back-godfather")
    eventually(lambda: "godfather" in seen(client, reader), seconds=30)
    asked = ("explain", reader, "godfather", "--without", "looks-back-godfather", "--json")
    without = real_system.command(*asked).json()
    assert (without["before"]["left_out"], without["after"]["left_out"]) == ("seen", None)
    assert without["removed"][0]["user_id"] == reader
    assert set(without["as_of"]["versions"]) == {"weights", "index", "clicks"}
    assert real_system.command("checkpoint", "--json").status == 0
    again = real_system.command(*asked).json()
    assert sum(again["as_of"]["checkpoints"]) > 0 == sum(without["as_of"]["checkpoints"])
    assert again["as_of"]["folded"] < without["as_of"]["folded"]


def position(answer: dict[str, Any]) -> str:
    return ",".join(map(str, answer["position"]["interactions"]))


@pytest.mark.usefixtures("reader")
def test_a_replay_of_the_archive_has_the_digest_of_the_system(real_system: RunningSystem, tmp_path: Path) -> None:
    folder = str(tmp_path / "archive")

    def same() -> dict[str, Any]:
        added: dict[str, Any] = real_system.command("archive", folder, "--json").json()
        live = real_system.command("digest", "--json").json()
        assert real_system.command("replay", folder, "--json").json() == live
        return added

    assert eventually(same, seconds=90)["gaps"] == []
