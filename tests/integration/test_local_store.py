"""The embedded store: what it keeps, and that it leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from streams.local_store import SCRATCH_PREFIX, LocalStore, StoreError, _sweep

PARENT = """
import sys, threading, time
from pathlib import Path
from streams.local_store import LocalStore
store = LocalStore(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
starter = threading.Thread(target=store.start)  # a thread that ends long before the store
starter.start(); starter.join()
print(store.pid, store.url, flush=True)
time.sleep(120)
"""


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def ended(pid: int, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_it_is_a_redis_that_never_evicts(embedded_store: LocalStore) -> None:
    with redis.Redis.from_url(embedded_store.url) as client:
        assert client.set("a", b"1")
        settings = client.config_get("*")
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "everysec")
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["bind"] == "127.0.0.1"


def test_acknowledged_writes_survive_a_kill(tmp_path: Path) -> None:
    with LocalStore(tmp_path / "store") as store:
        url = store.url
        with redis.Redis.from_url(url) as client:
            for number in range(500):
                client.set(f"k{number}", number)
        store.kill()
        store.restart()
        assert store.url == url
        with redis.Redis.from_url(url) as client:
            assert client.dbsize() == 500
    assert (tmp_path / "store" / "appendonlydir").is_dir()


def test_a_data_folder_has_one_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.local_store.LOCK_TIMEOUT_S", 0.2)
    with LocalStore(tmp_path), pytest.raises(StoreError, match="still runs"):
        LocalStore(tmp_path).start()


def test_a_temporary_folder_goes_with_the_store() -> None:
    with LocalStore() as store:
        with redis.Redis.from_url(store.url) as client:
            folder = Path(client.config_get("dir")["dir"])
        assert folder.name.startswith(SCRATCH_PREFIX)
        pid = store.pid
    assert not folder.exists()
    assert not alive(pid)


def test_a_start_that_fails_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with LocalStore() as store, pytest.raises(StoreError, match="did not start"):
        LocalStore(port=int(store.url.split(":")[2].split("/")[0])).start()
    assert not list(tmp_path.iterdir())


def test_the_server_lives_while_we_do_and_dies_with_us(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        time.sleep(0.5)  # the thread that called start() is gone by now
        with redis.Redis.from_url(url) as client:
            assert client.ping()
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    assert ended(int(pid), within_s=5), "the server outlived its killed parent"
    with LocalStore(tmp_path / "store"):  # and its folder is free for the next run
        pass


def test_a_killed_owners_folder_is_swept_later(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline().split()[0])
        (folder,) = tmp_path.glob(f"{SCRATCH_PREFIX}*")
        os.utime(folder, (0, 0))
        _sweep(tmp_path)
        assert folder.is_dir(), "a living store's folder was swept"
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    assert ended(pid, within_s=5)
    os.utime(folder, (0, 0))
    _sweep(tmp_path)
    assert not folder.exists()
