"""`coldspring trace`, and what an item's life tells."""

from typing import Any

from coldspring import Client
from tests.rig.system import RunningSystem, eventually

EVENT = ("published", "read", "learned", "stored")


def test_an_event_is_followed_through_its_stages(system: RunningSystem, client: Client) -> None:
    client.events({"event_id": "to be traced", "user_id": "traced", "item_id": "dune", "type": "click"})
    told = eventually(lambda: _stored(system), seconds=60, every_s=0.2)
    times = [told["stages"][stage] for stage in EVENT]
    assert times == sorted(times)
    assert told["event_id"] == "to be traced"
    place = f"{told['partition']}:{told['offset']}"
    by_place = system.command("trace", "--at", place, "--json").json()
    assert by_place["stages"] == told["stages"]
    assert "stored" in system.command("trace", "to be traced", "--user", "traced").out


def _stored(system: RunningSystem) -> dict[str, Any]:
    told: dict[str, Any] = system.command("trace", "to be traced", "--json").json()
    assert told["stages"]["stored"]
    return told


def test_an_item_is_followed_through_its_life(system: RunningSystem, client: Client) -> None:
    client.items({"item_id": "traced", "title": "A film about tracing paper"})
    eventually(lambda: client.item("traced")["life"]["indexed"], seconds=60, every_s=0.2)
    client.query(text="A film about tracing paper")
    life = eventually(lambda: _recommended(client), seconds=30, every_s=0.2)
    assert list(life) == ["published", "arrived", "encoded", "indexed", "first_recommended"]
    assert life["published"] <= min(life["arrived"], life["encoded"])
    assert life["encoded"] <= life["indexed"] <= life["first_recommended"]
    assert system.command("trace", "--item", "traced", "--json").json()["stages"] == life


def _recommended(client: Client) -> dict[str, int]:
    life: dict[str, int] = client.item("traced")["life"]
    assert all(life.values())
    return life


def test_what_cannot_be_traced_is_said(system: RunningSystem) -> None:
    assert "not among the last" in system.command("trace", "nobody sent this").err
    assert "no record at 0:999999" in system.command("trace", "--at", "0:999999").err
    assert system.command("trace", "--at", "nonsense").status == 1
    assert system.command("trace").status == 2
