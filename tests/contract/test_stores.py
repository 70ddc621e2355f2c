"""One suite for every store of a partition's state: memory, Redis, the embedded server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from online_models.row_source import Changes
from online_models.user_queue import QueueChanges
from recommender.head import UserHead
from recommender.keys import Keys
from streams.memory_store import MemoryItemStore, MemoryUserStore
from streams.redis_store import RedisItemStore, RedisUserStore, connect
from streams.store import ItemStore, ItemWrite, StoreAwayError, UserStore, UserWrite
from tests.rig.redis_server import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(params=["memory", "redis"])
def stores(request: pytest.FixtureRequest, prefix: str) -> Iterator[tuple[UserStore, ItemStore]]:
    if request.param == "memory":
        yield MemoryUserStore(), MemoryItemStore()
        return
    client = connect(request.getfixturevalue("server").url)
    keys = Keys("test", prefix)
    yield RedisUserStore(client, keys.users(0)), RedisItemStore(client, keys.items(0))
    client.close()


def head(accepted: int = 0) -> bytes:
    return msgspec.json.encode(UserHead(next={"interactions": 5}, accepted=accepted))


def test_what_was_written_is_loaded(stores: tuple[UserStore, ItemStore]) -> None:
    users, _ = stores
    users.claim("me")
    ids = [bytes([n]) * 16 for n in range(3)]
    changes = Changes({"u": b"row"}, {7: b"stats"}, {7: b"neighbours"}, ["a", "b"], ids)
    assert users.write("me", None, UserWrite(head(3), changes, profiles={"u": b"{}", "gone": None}))
    loaded = users.load(100)
    assert (loaded.head, loaded.names, b"".join(loaded.chunks)) == (head(3), ["a", "b"], b"".join(ids))
    assert users.user_rows(["u", "nobody"]) == [b"row", None]
    assert users.item_rows([7, 8]) == [(b"stats", b"neighbours"), (None, None)]
    assert users.profiles(["u", "gone"]) == [b"{}", None]
    assert list(users.all_users()) == [("u", b"row")]
    assert list(users.all_profiles()) == [("u", b"{}")]
    assert list(users.all_item_rows()) == [(7, b"stats", b"neighbours")]


def test_a_user_without_a_row_is_deleted(stores: tuple[UserStore, ItemStore]) -> None:
    users, _ = stores
    users.claim("me")
    assert users.write("me", None, UserWrite(head(1), Changes(users={"u": b"row", "v": b"other"})))
    assert users.write("me", head(1), UserWrite(head(2), Changes(users={"u": None, "unknown": None})))
    assert list(users.all_users()) == [("v", b"other")]


def test_a_write_from_another_position_changes_nothing(stores: tuple[UserStore, ItemStore]) -> None:
    users, _ = stores
    users.claim("me")
    assert users.write("me", None, UserWrite(head(1), Changes(users={"u": b"first"})))
    assert not users.write("me", None, UserWrite(head(2), Changes(users={"u": b"second"}, names=["x"])))
    assert (users.load(0).head, users.user_rows(["u"]), users.load(0).names) == (head(1), [b"first"], [])


def test_a_stale_owner_is_refused(stores: tuple[UserStore, ItemStore]) -> None:
    users, items = stores
    for store, write in ((users, UserWrite(head(1))), (items, ItemWrite(b"1", {"i": b"{}"}))):
        anything: Any = store
        anything.claim("first")
        anything.claim("second")
        assert not anything.write("first", None, write)
        assert anything.write("second", None, write)


def test_chunks_of_ids_leave_with_the_window(stores: tuple[UserStore, ItemStore]) -> None:
    users, _ = stores
    users.claim("me")
    ids = [n.to_bytes(16, "little") for n in range(9000)]
    before = None
    for start in range(0, 9000, 3000):
        accepted = start + 3000
        write = UserWrite(
            head(accepted), Changes(event_ids=ids[start:accepted]), start, max(0, accepted - 1000) // 4096
        )
        assert users.write("me", before, write)
        before = write.head
    kept = b"".join(users.load(1000).chunks)
    assert kept.endswith(b"".join(ids[-1000:]))
    assert len(kept) < 16 * (1000 + 4096)


def test_items_live_and_go(stores: tuple[UserStore, ItemStore]) -> None:
    _, items = stores
    items.claim("me")
    assert items.head() is None
    assert items.write("me", None, ItemWrite(b"1", {"a": b"{}", "b": b"{}"}, 5))
    assert items.write("me", b"1", ItemWrite(b"2", {"a": None}, 6))
    assert (items.head(), list(items.all_items())) == (b"2", [("b", b"{}")])


def test_a_store_that_is_away_says_so_and_nothing_is_repeated(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        client = connect(server.url, timeout_s=1)
        users = RedisUserStore(client, Keys("test").users(0))
        users.claim("me")
        server.kill()
        with pytest.raises(StoreAwayError):
            users.write("me", None, UserWrite(head(1)))
        server.restart()
        users.claim("me")
        assert users.write("me", None, UserWrite(head(1)))
        client.close()


def test_a_full_store_is_away_not_broken(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        client: Any = connect(server.url)
        users = RedisUserStore(client, Keys("test").users(0))
        users.claim("me")
        client.config_set("maxmemory", "1mb")
        with pytest.raises(StoreAwayError):
            users.write("me", None, UserWrite(head(1), Changes(users={"u": b"x" * 2_000_000})))
        client.config_set("maxmemory", "0")
        assert users.load(0).head is None
        assert users.write("me", None, UserWrite(head(1)))
        client.close()


def test_tombstones_stay(stores: tuple[UserStore, ItemStore]) -> None:
    users, _ = stores
    users.claim("me")
    assert users.write("me", None, UserWrite(head(1), forgotten=["u"], tombstones={b"\x00\xff" * 8: 5}))
    assert users.write("me", head(1), UserWrite(head(2), tombstones={b"other": 7}))
    assert users.tombstones() == {b"\x00\xff" * 8: 5, b"other": 7}


def test_who_wrote_before_is_refused_when_something_changed_since(stores: tuple[UserStore, ItemStore]) -> None:
    users, _ = stores
    users.claim("me")
    assert users.write("me", None, UserWrite(head(1), names(["a"])))
    users.claim("other")
    assert not users.write("me", head(1), UserWrite(head(2), names(["b"])))
    assert users.load(100).names == ["a"]
    users.claim("me")
    assert users.write("me", head(1), UserWrite(head(2), names(["b"])))
    users.claim("me")
    assert users.write("me", head(2), UserWrite(head(3), names(["c"]))), "a claim of one's own is no change"
    assert not users.write("me", head(2), UserWrite(head(4), names(["d"])))
    assert users.load(100).names == ["a", "b", "c"]


def names(fresh: list[str]) -> Changes:
    return Changes(names=fresh)


def test_what_lies_aside_takes_the_place(stores: tuple[UserStore, ItemStore]) -> None:
    users, _ = stores
    users.claim("me")
    ids = [bytes([n]) * 16 for n in range(3)]
    live = Changes({"u": b"row", "v": b"row"}, {7: b"stats"}, {7: b"neighbours"}, ["a", "b"], ids)
    assert users.write("me", None, UserWrite(head(3), live, profiles={"u": b"{}"}, tombstones={b"t": 1}))
    aside = users.aside()
    aside.claim("me")
    fresh = Changes({"v": b"anew"}, {0: b"less"}, {}, ["b"], ids[:1])
    assert aside.write("me", None, UserWrite(head(1), fresh, tombstones={b"t": 1, b"w": 2}))
    assert users.user_rows(["u", "v"]) == [b"row", b"row"], "both are there, apart"

    assert not users.swap("me", head(9), head(1)), "the state moved on meanwhile"
    users.claim("other")
    assert not users.swap("me", head(3), head(1)), "the partition has another owner"
    assert users.load(100).head == head(3)
    users.claim("me")
    assert users.swap("me", head(3), head(1))
    loaded = users.load(100)
    assert (loaded.head, loaded.names, b"".join(loaded.chunks)) == (head(1), ["b"], ids[0])
    assert dict(users.all_users()) == {"v": b"anew"}
    assert (list(users.all_profiles()), list(users.all_item_rows())) == ([], [(0, b"less", None)])
    assert users.tombstones() == {b"t": 1, b"w": 2}
    assert users.aside().load(100).head is None
    assert users.write("me", head(1), UserWrite(head(2))), "and the owner goes on"


def test_rows_that_lie_aside_take_the_place_and_all_else_stays(stores: tuple[UserStore, ItemStore]) -> None:
    users, _ = stores
    users.claim("me")
    ids = [bytes([n]) * 16 for n in range(3)]
    queue = QueueChanges(pushed=["1 u", "1 v"])
    live = Changes({"u": b"row", "v": b"row"}, {7: b"stats"}, {7: b"row"}, ["a", "b"], ids, queue=queue)
    assert users.write("me", None, UserWrite(head(3), live, profiles={"u": b"{}"}, tombstones={b"t": 1}))
    aside = users.aside()
    aside.claim("copier")
    fresh = Changes({"v": b"anew"}, {1: b"stats"}, {}, ["", "b"])
    assert aside.write("copier", None, UserWrite(b"copied", fresh))

    assert not users.swap_rows("me", head(9), head(4), b"copied"), "the state moved on meanwhile"
    assert not users.swap_rows("me", head(3), head(4), b"another"), "somebody else lies aside"
    users.claim("other")
    assert not users.swap_rows("me", head(3), head(4), b"copied"), "the partition has another owner"
    users.claim("me")
    assert users.load(100).names == ["a", "b"]
    assert users.swap_rows("me", head(3), head(4), b"copied")
    loaded = users.load(100)
    assert (loaded.head, loaded.names, b"".join(loaded.chunks)) == (head(4), ["", "b"], b"".join(ids))
    assert loaded.queue == ["1 u", "1 v"]
    assert dict(users.all_users()) == {"v": b"anew"}
    assert (list(users.all_profiles()), list(users.all_item_rows())) == ([("u", b"{}")], [(1, b"stats", None)])
    assert users.tombstones() == {b"t": 1}
    assert users.aside().load(100).head is None
    assert not users.swap_rows("me", head(4), head(5), b"copied"), "nothing lies aside any more"
    assert users.write("me", head(4), UserWrite(head(5))), "and the owner goes on"


def test_nothing_is_left_of_what_was_cleared(stores: tuple[UserStore, ItemStore]) -> None:
    users, _ = stores
    aside = users.aside()
    aside.claim("me")
    fresh = Changes({"v": b"anew"}, {0: b"less"}, {0: b"row"}, ["b"], [b"i" * 16])
    assert aside.write("me", None, UserWrite(head(1), fresh, profiles={"v": b"{}"}, tombstones={b"t": 1}))
    aside.clear()
    loaded = aside.load(100)
    assert (loaded.head, loaded.names, loaded.chunks) == (None, [], [])
    assert (list(aside.all_users()), list(aside.all_profiles()), list(aside.all_item_rows())) == ([], [], [])
    assert aside.tombstones() == {}
