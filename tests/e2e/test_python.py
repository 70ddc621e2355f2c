"""Coldspring from Python: `replay` without any server, and being forgotten."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from coldspring import Client, Producer, replay
from coldspring.errors import NotFoundError
from tests.rig.system import RunningSystem, eventually


def is_unknown(call: Callable[[str], object], user: str) -> bool:
    """`pytest.raises` can't be waited out: what it raises is no AssertionError."""
    try:
        call(user)
    except NotFoundError:
        return True
    return False


def test_a_log_is_asked_without_a_server(log: Path) -> None:
    state = replay(log)
    assert state.digest == replay(str(log)).digest
    seen = {one["item_id"] for one in state.recommend("u1", n=100, repeat=True)["items"]}
    listed = state.recommend("u1", n=10, explain=True)
    assert 0 < len(listed["items"]) <= 10
    assert {one["rule"] for one in listed["left_out"]} == {"seen"}
    assert "i29" not in seen
    for one in listed["items"]:
        assert abs(sum(reason["score"] for reason in one["reasons"]) - one["score"]) < 1e-6
    assert len(state.recommend("never seen", n=5)["items"]) == 5
    assert len(state.dead_letters) == 6
    assert {letter.reason for letter in state.dead_letters} == {"unknown_type", "bad_id", "not_json"}
    assert state.digest == replay(log).digest
    with pytest.raises(ValueError, match="n"):
        state.recommend("u1", n=0)


def test_forgetting(system: RunningSystem, client: Client) -> None:
    user = f"private-{uuid.uuid4().hex[:6]}"
    fresh = [one["item_id"] for one in client.recommend(f"{user}-twin", n=20)["items"]]
    client.events([{"user_id": user, "item_id": item, "type": "click"} for item in ("joy", "baking", "italian")])
    client.events({"user_id": user, "item_id": "grill", "type": "hide"})
    client.profiles({"user_id": user, "text": "I like to cook"})
    eventually(lambda: client.export(user)["profile"])
    eventually(lambda: "grill" not in [one["item_id"] for one in client.recommend(user, n=100)["items"]])
    with system.http() as http:
        answer = http.delete(f"/v1/users/{user}")
    began = time.monotonic()
    assert answer.status_code == 202
    receipt = answer.json()["receipt"]

    def gone() -> bool:
        listed = [one["item_id"] for one in client.recommend(user, n=100)["items"]]
        again = [one["item_id"] for one in client.recommend(user, n=20)["items"]]
        assert is_unknown(client.user, user)
        assert is_unknown(client.export, user)
        assert {"joy", "baking", "italian", "grill"} <= set(listed)
        assert user not in [one["user_id"] for one in client.audience("joy", n=100)]
        assert again == fresh or "profile" not in str(again)
        return True

    eventually(gone, seconds=5)
    assert time.monotonic() - began < 5
    with system.http() as http:
        progress = eventually(lambda: http.get(f"/v1/forgets/{receipt}").json())
    assert {"receipt", "state", "progress"} <= set(progress)
    client.events({"user_id": user, "item_id": "dune", "type": "click"})
    assert [one["item_id"] for one in eventually(lambda: client.user(user)["history"])] == ["dune"]


def test_the_command_forgets_too(system: RunningSystem, client: Client) -> None:
    user = f"private-{uuid.uuid4().hex[:6]}"
    with Producer(system.bootstrap) as producer:
        producer.interaction(user_id=user, item_id="joy", type="click")
    eventually(lambda: client.user(user)["history"])
    assert system.command("forget", user, "--json").json()["user_id"] == user

    eventually(lambda: is_unknown(client.user, user), seconds=5)
