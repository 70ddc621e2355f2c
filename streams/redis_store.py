"""A partition's state in Redis: rows in hashes, one MULTI a batch, guarded by head and owner (`guarded_write`).

Whoever lost the partition, or read from another place than the head says, writes nothing at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar, cast

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from online_models.dedupe import live_chunks
from online_models.user_queue import QueueChanges
from recommender.head import decode_user_head
from recommender.keys import ItemKeys, UserKeys
from streams.guarded_write import guarded_write
from streams.memory_store import id_chunks
from streams.store import ItemWrite, LoadedUsers, StoreAwayError, UserWrite

P = ParamSpec("P")
T = TypeVar("T")

CHANGES_KEPT = 1_000
FULL = (redis.exceptions.OutOfMemoryError, redis.exceptions.ReadOnlyError, redis.exceptions.ExecAbortError)
USERS_NAMED = 100
_SLICE = 50_000


def connect(url: str, timeout_s: float = 10.0) -> redis.Redis:
    """A client that never repeats a command by itself: a lost reply must not write twice."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=2.0, retry=retry)


def away(call: Callable[P, T]) -> Callable[P, T]:
    """Turn every trouble of the store (away, loading, full) into `StoreAwayError`."""

    @functools.wraps(call)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except redis.WatchError:
            raise
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise StoreAwayError(f"{type(error).__name__}: {error}") from error
        except redis.ResponseError as error:
            if isinstance(error, FULL) or str(error).startswith(("MISCONF", "LOADING", "CLUSTERDOWN")):
                raise StoreAwayError(f"{type(error).__name__}: {error}") from error
            raise

    return wrapped


def field(index: int) -> bytes:
    """The hash field of an item's local index."""
    return index.to_bytes(4, "little")


class RedisUserStore:
    """One partition of users (see `recommender.keys.UserKeys` for what lies where)."""

    has_items = True

    def __init__(self, client: redis.Redis, keys: UserKeys) -> None:
        self._client: Any = client
        self._keys = keys

    @away
    def claim(self, token: str) -> None:
        self._client.set(self._keys.owner, token)

    @away
    def load(self, window: int) -> LoadedUsers:
        keys = self._keys
        head = self._client.get(keys.head)
        names: list[str] = []
        for start in range(0, self._client.llen(keys.names), _SLICE):
            names.extend(name.decode() for name in self._client.lrange(keys.names, start, start + _SLICE - 1))
        queue: list[str] = []
        for start in range(0, self._client.llen(keys.queue), _SLICE):
            queue.extend(name.decode() for name in self._client.lrange(keys.queue, start, start + _SLICE - 1))
        chunks = [self._client.get(keys.ids(k)) for k in live_chunks(decode_user_head(head).accepted, window)]
        return LoadedUsers(head, names, [chunk for chunk in chunks if chunk], queue)

    @away
    def user_rows(self, user_ids: Sequence[str]) -> list[bytes | None]:
        return self._client.hmget(self._keys.users, user_ids) if user_ids else []

    @away
    def item_rows(self, indexes: Sequence[int]) -> list[tuple[bytes | None, bytes | None]]:
        if not indexes:
            return []
        fields = [field(index) for index in indexes]
        pipe = self._client.pipeline(transaction=False)
        pipe.hmget(self._keys.stats, fields)
        pipe.hmget(self._keys.rows, fields)
        return list(zip(*pipe.execute(), strict=True))

    @away
    def item_stats(self, indexes: Sequence[int]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for start in range(0, len(indexes), _SLICE):
            found.extend(self._client.hmget(self._keys.stats, [field(i) for i in indexes[start : start + _SLICE]]))
        return found

    @away
    def profiles(self, user_ids: Sequence[str]) -> list[bytes | None]:
        return self._client.hmget(self._keys.profiles, user_ids) if user_ids else []

    @away
    def tombstones(self) -> dict[bytes, int]:
        return {name: int(until) for name, until in self._client.hgetall(self._keys.tombstones).items()}

    @away
    def write(self, token: str, expected_head: bytes | None, write: UserWrite) -> bool:
        keys, changes = self._keys, write.changes

        def queue(pipe: Any) -> None:
            _replace(pipe, keys.users, changes.users)
            if changes.stats:
                pipe.hset(keys.stats, mapping={field(i): row for i, row in changes.stats.items()})
            if changes.rows:
                pipe.hset(keys.rows, mapping={field(i): row for i, row in changes.rows.items()})
            if changes.names:
                pipe.rpush(keys.names, *changes.names)
            _drop_items(pipe, keys, changes.gone)
            _requeue(pipe, keys.queue, changes.queue)
            for chunk, marks in id_chunks(write.accepted_before, changes.event_ids):
                pipe.append(keys.ids(chunk), marks)
            if write.first_chunk:
                pipe.unlink(keys.ids(write.first_chunk - 1))
            _replace(pipe, keys.profiles, write.profiles)
            if write.tombstones:
                pipe.hset(keys.tombstones, mapping=write.tombstones)
            gone = {*write.forgotten, *(user for user, row in changes.users.items() if row is None)}
            if gone:
                pipe.hdel(keys.interests, *gone)
                pipe.hdel(keys.shown, *gone)
            if write.forgotten:
                # Earlier entries name them. Readers that find the stream begun anew load the partition again.
                pipe.unlink(keys.changes)
            pipe.set(keys.head, write.head)
            pipe.xadd(keys.changes, _users_changed(write), maxlen=CHANGES_KEPT, approximate=True)

        return guarded_write(self._client, keys.head, keys.owner, token, expected_head, queue)

    def aside(self) -> RedisUserStore:
        return RedisUserStore(self._client, self._keys.aside)

    @away
    def clear(self) -> None:
        keys = self._keys
        views = keys.interests, keys.shown, keys.changes
        self._client.unlink(keys.head, keys.owner, *views, *keys.state, *self._chunk_keys(keys))

    @away
    def swap(self, token: str, expected_head: bytes | None, head: bytes) -> bool:
        keys, aside = self._keys, self._keys.aside
        fresh = dict(zip(aside.state, keys.state, strict=True))
        fresh.update({name: keys.base + name.removeprefix(aside.base) for name in self._chunk_keys(aside)})
        present = [name for name in fresh if self._client.exists(name)]
        stale = [*keys.state, *self._chunk_keys(keys), keys.changes]

        def queue(pipe: Any) -> None:
            pipe.unlink(*stale)
            for name in present:
                pipe.rename(name, fresh[name])
            pipe.unlink(aside.head, aside.owner, aside.interests, aside.changes)
            # Done; and the files of Redis, which hold the state of before, have to follow once more (`scrub`).
            pipe.hdel(keys.unlearning, "rebuild", "files")
            pipe.set(keys.head, head)
            pipe.xadd(keys.changes, _users_changed(UserWrite(head)))

        return guarded_write(self._client, keys.head, keys.owner, token, expected_head, queue)

    @away
    def swap_rows(self, token: str, expected_head: bytes | None, head: bytes, aside_head: bytes) -> bool:
        keys, aside = self._keys, self._keys.aside
        fresh = dict(zip(aside.numbered, keys.numbered, strict=True))
        present = [name for name in fresh if self._client.exists(name)]

        def queue(pipe: Any) -> None:
            pipe.unlink(*keys.numbered)
            for name in present:
                pipe.rename(name, fresh[name])
            pipe.unlink(aside.head, aside.owner, aside.changes)
            # Somebody may have been forgotten while their row lay aside: the files have to follow once more (`scrub`).
            pipe.hdel(keys.unlearning, "files")
            pipe.set(keys.head, head)
            pipe.xadd(keys.changes, _users_changed(UserWrite(head)), maxlen=CHANGES_KEPT, approximate=True)

        also = {aside.head: aside_head}
        return guarded_write(self._client, keys.head, keys.owner, token, expected_head, queue, also)

    def _chunk_keys(self, keys: UserKeys) -> list[str]:
        return [name.decode() for name in self._client.scan_iter(match=keys.ids("*"), count=1_000)]

    def all_users(self) -> Iterator[tuple[str, bytes]]:
        return _scan(self._client, self._keys.users)

    def all_profiles(self) -> Iterator[tuple[str, bytes]]:
        return _scan(self._client, self._keys.profiles)

    @away
    def all_item_rows(self) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        rows: dict[bytes, bytes] = self._client.hgetall(self._keys.rows)
        for name, stats in self._client.hgetall(self._keys.stats).items():
            yield int.from_bytes(name, "little"), stats, rows.get(name)


class RedisItemStore:
    """One partition of items."""

    def __init__(self, client: redis.Redis, keys: ItemKeys) -> None:
        self._client: Any = client
        self._keys = keys

    @away
    def claim(self, token: str) -> None:
        self._client.set(self._keys.owner, token)

    @away
    def head(self) -> bytes | None:
        return cast("bytes | None", self._client.get(self._keys.head))

    @away
    def write(self, token: str, expected_head: bytes | None, write: ItemWrite) -> bool:
        keys = self._keys

        def queue(pipe: Any) -> None:
            _replace(pipe, keys.items, write.items)
            for item_id, data in write.items.items():
                if data is not None:
                    pipe.hsetnx(keys.life, f"arrived:{item_id}", write.arrived_ms)
            pipe.set(keys.head, write.head)
            pipe.xadd(
                keys.changes,
                {"items": msgspec.json.encode(list(write.items))},
                maxlen=CHANGES_KEPT,
                approximate=True,
            )

        return guarded_write(self._client, keys.head, keys.owner, token, expected_head, queue)

    def all_items(self) -> Iterator[tuple[str, bytes]]:
        return _scan(self._client, self._keys.items)


def _drop_items(pipe: Any, keys: UserKeys, gone: Sequence[int]) -> None:
    if gone:
        fields = [field(index) for index in gone]
        pipe.hdel(keys.stats, *fields)
        pipe.hdel(keys.rows, *fields)
        for index in gone:
            pipe.lset(keys.names, index, "")


def _requeue(pipe: Any, key: str, queue: QueueChanges) -> None:
    for user_id in queue.removed:
        pipe.lrem(key, 1, user_id)
    if queue.pushed:
        pipe.rpush(key, *queue.pushed)
    if queue.popped:
        pipe.lpop(key, queue.popped)


def _replace(pipe: Any, key: str, rows: dict[str, bytes | None]) -> None:
    kept = {name: row for name, row in rows.items() if row is not None}
    gone = [name for name, row in rows.items() if row is None]
    if kept:
        pipe.hset(key, mapping=kept)
    if gone:
        pipe.hdel(key, *gone)


def _users_changed(write: UserWrite) -> dict[str, bytes]:
    """What readers' views must look at again; with many users they look at all they hold."""
    changes = write.changes
    users = [user for user in (*changes.users, *write.profiles) if user not in write.forgotten]
    return {
        "stats": b"".join(field(index) for index in (*changes.stats, *changes.gone)),
        "rows": b"".join(field(index) for index in (*changes.rows, *changes.gone)),
        "users": msgspec.json.encode(users if len(users) <= USERS_NAMED else []),
    }


def _scan(client: Any, key: str) -> Iterator[tuple[str, bytes]]:
    cursor, page = _page(client, key, 0)
    yield from page
    while cursor:
        cursor, page = _page(client, key, cursor)
        yield from page


@away
def _page(client: Any, key: str, cursor: int) -> tuple[int, list[tuple[str, bytes]]]:
    following, found = client.hscan(key, cursor, count=2_000)
    return following, [(name.decode(), data) for name, data in found.items()]
