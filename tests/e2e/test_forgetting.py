"""Forgetting with proof: 20 users of a real log, on real Kafka and Redis; then every file that is ours is searched."""

import base64
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import redis

from coldspring import Client, Producer, dataset
from coldspring.errors import NotFoundError
from recommender.partitioning import murmur2
from streams.replay import DirectReplay
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer
from tests.rig.system import RunningSystem, eventually

EVENTS = 3_000
FORGOTTEN = 20


@pytest.fixture
def site(
    kafka: KafkaBroker, redis_server: RedisServer, tmp_path: Path, prefix: str
) -> Iterator[tuple[RunningSystem, RedisServer]]:
    with redis.Redis.from_url(redis_server.url) as store:
        store.config_set("save", "3600 1")
    options = ("--bootstrap", kafka.bootstrap, "--redis", redis_server.url, "--prefix", prefix, "--encoder", "minilm")
    system = RunningSystem(tmp_path / "data", *options)
    try:
        yield system.wait_until_ready(), redis_server
    finally:
        system.close()


def renamed(user: str) -> str:
    """An id that can't be in a file by accident."""
    return f"viewer-{user}-{hashlib.sha256(user.encode()).hexdigest()[:12]}"


def log() -> list[dict[str, Any]]:
    """MovieTweetings' beginning."""
    events = []
    for event in islice(dataset.interactions(), EVENTS):
        user = renamed(event["user_id"])
        events.append({**event, "user_id": user, "event_id": f"{user}/{event['item_id']}"})
    return events


def traces(user: str, events: list[dict[str, Any]]) -> list[bytes]:
    """The id and what anybody could turn back into it, by trying ids."""
    plain = user.encode()
    hashes = [getattr(hashlib, name)(plain) for name in ("md5", "sha1", "sha256", "blake2b")]
    short = hashlib.blake2b(plain, digest_size=16)
    forms = [plain, plain.hex().encode(), base64.b64encode(plain)[:-4], user.encode("utf-16-le")]
    forms += [form for h in (*hashes, short) for form in (h.digest(), h.hexdigest().encode())]
    forms.append(f"{murmur2(plain):08x}".encode())
    forms += [hashlib.blake2b(event["event_id"].encode(), digest_size=16).digest() for event in events]
    return forms


def files(*folders: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}


def found_in(folders: tuple[Path, ...], wanted: dict[str, list[bytes]]) -> list[tuple[str, str]]:
    held = files(*folders)
    return [
        (str(path), user)
        for user, forms in wanted.items()
        for path, data in held.items()
        if any(form in data for form in forms)
    ]


@pytest.mark.timeout(400)
def test_forgotten_users_leave_no_trace(site: tuple[RunningSystem, RedisServer], prefix: str) -> None:
    system, server = site
    events = log()
    alias = events[0]["user_id"]
    [(film, _)] = Counter(event["item_id"] for event in events).most_common(1)
    with Producer(system.bootstrap, prefix=prefix) as producer:
        for event in events:
            producer.interaction(**event)
        users = random.Random(1).sample(sorted({event["user_id"] for event in events} - {alias}), FORGOTTEN)
        shown = [
            {"user_id": user, "type": "impression", "items": [film], "timestamp": events[-1]["timestamp"],
             "event_id": f"{user}/shown"}
            for user in (*users, alias)
        ]  # fmt: skip
        for event in shown:
            producer.interaction(**event)
        producer.profile(user_id=users[0], text="old films", same_as=[alias], timestamp=events[0]["timestamp"])
        producer.flush()
    with Client(system.url) as client, redis.Redis.from_url(server.url) as store:
        sent = EVENTS + len(shown)
        eventually(lambda: sum(client.recommend("nobody")["position"]["interactions"]) == sent, seconds=60)
        eventually(lambda: client.user(users[0])["history"])
        with system.http() as http:
            eventually(lambda: http.get(f"/v1/items/{film}/audience").is_success, seconds=60)
        eventually(lambda: sum(store.hlen(key) for key in store.scan_iter(match="*:mf_users")), seconds=60)
        eventually(lambda: sum(store.hlen(key) for key in store.scan_iter(match="*:shown")) == len(shown), seconds=60)
        eventually(store.bgsave)
        folders = (server.data_dir, system.data)
        own = {user: [event for event in events if event["user_id"] == user] for user in (*users, alias)}
        wanted = {user: traces(user, events) for user, events in own.items()}
        assert {user for _, user in found_in(folders, wanted)} == set(wanted), "the search finds what is there"

        receipts = [client.forget(user)["receipt"] for user in users]
        for user in (*users, alias):
            eventually(partial(unknown, client, user), seconds=5)
        assert not set(wanted) & {one["user_id"] for one in client.audience(film, n=100)}
        for receipt in receipts:
            eventually(partial(done, client, receipt), seconds=60)

        kept = DirectReplay()
        for event in events:
            if event["user_id"] not in wanted:
                kept.feed("interaction", event["user_id"], json.dumps(event).encode())

        def same() -> bool:
            return bool(system.command("digest", "--json").json()["digest"] == kept.digest())

        eventually(same, seconds=60)
        assert len(client.recommend("nobody", n=10)["items"]) == 10
        eventually(lambda: not found_in(folders, wanted), seconds=60)
    assert system.terminate() == 0
    assert found_in((system.data,), wanted) == [], "nor what was written at the end"


def unknown(client: Client, user: str) -> bool:
    try:
        client.export(user)
    except NotFoundError:
        return True
    return False


def done(client: Client, receipt: str) -> bool:
    told = client.forgetting(receipt)
    return bool(told["state"] == "done" and told["files_rewritten"])
