"""A system of this file's own, from its log to its end: the digest, a worker that is killed, SIGTERM, kill -9."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldspring import Client, replay
from tests.rig.system import RunningSystem, eventually, processes


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """`test_sigterm_ends_everything` ends it."""
    with RunningSystem(tmp_path_factory.mktemp("own")) as running:
        yield running.wait_until_ready()


def test_what_runs_has_the_digest_of_its_log(own: RunningSystem, log: Path) -> None:
    sent = own.command("produce", str(log), "--json").json()
    assert sent == {"interaction": 405, "item": 31, "profile": 1, "forget": 0, "dead_letters": 1, "lines": 438}
    wanted = replay(log).report()
    told = eventually(lambda: _same(own, wanted), seconds=60, every_s=0.2)
    assert told == wanted
    dead = own.command("dead-letters", "list", "--json").json()
    assert sorted(letter["reason"] for letter in dead) == ["bad_id", "not_json", *["unknown_type"] * 4]


def test_nothing_is_left_where_it_was_started(own: RunningSystem) -> None:
    assert not list(Path.cwd().glob("*coldspring-*-data"))


def _same(own: RunningSystem, wanted: dict[str, object]) -> dict[str, object]:
    told: dict[str, object] = own.command("digest", "--json").json()
    assert told == wanted
    return told


def test_the_embedding_worker_is_killed_and_comes_back(own: RunningSystem) -> None:
    before = own.child("embedding")
    with Client(own.url) as client:
        os.kill(before, signal.SIGKILL)
        client.items({"item_id": "after the kill", "title": "A film that is announced while nobody encodes"})
        assert len(client.recommend("u1", n=5)["items"]) == 5
        eventually(lambda: client.item("after the kill")["life"]["indexed"], seconds=90, every_s=0.2)
        assert own.child("embedding") != before
        began = time.monotonic()
        client.items({"item_id": "and after it", "title": "A film that is announced afterwards"})
        eventually(lambda: client.item("and after it")["life"]["indexed"], seconds=10)
        assert "and after it" in [one["item_id"] for one in client.query(text="A film announced afterwards")["items"]]
        assert time.monotonic() - began < 10


def test_sigterm_ends_everything(own: RunningSystem) -> None:
    family = own.family()
    assert len(family) >= 6
    began = time.monotonic()
    assert own.terminate(20) == 0
    assert time.monotonic() - began < 10
    assert own.more_output() == b""
    left = {pid: name for pid, name in family.items() if pid in processes()}
    assert left == {}
    assert not list((own.data / "runs").glob("*"))


def test_kill_leaves_no_orphan(tmp_path: Path) -> None:
    with RunningSystem(tmp_path / "data") as running:
        # While it starts: that is when most of it is under way.
        family = eventually(lambda: found if len(found := running.family()) >= 4 else {}, seconds=60)
        time.sleep(1)
        family |= running.family()
        running.kill()
        killed = time.monotonic()
        eventually(lambda: not set(family) & set(processes()), seconds=5, every_s=0.05)
        assert time.monotonic() - killed < 5
