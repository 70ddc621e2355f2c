"""As-of and what-if against full replays of the log, cut or edited by hand.

TIME_TRAVEL_EVENTS says for how many random events (default 10).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from coldspring.errors import CommandError
from coldspring.fixed_views import Fixed
from coldspring.past import checkpoints, make_shard
from coldspring.settings import Settings
from coldspring.time_travel import TimeTravel
from coldspring.wiring import DirectAnswers
from recommender.events import Item
from recommender.partitioning import partition_of
from recommender.query import Query
from recommender.topics import Topics
from streams.batch import Batch
from streams.digest import partition_digest
from streams.edited_log import EditedLog, Wanted, find
from streams.intake import LogRecord
from streams.memory_log import MemoryLog
from streams.past import Past
from streams.replay import DirectReplay

PARTITIONS, USERS, ITEMS, EVENTS = 3, 24, 40, 1_500
TRIED = int(os.environ.get("TIME_TRAVEL_EVENTS", "10"))
TOPICS = Topics(partitions=PARTITIONS, item_partitions=PARTITIONS)
CATALOGUE = [Item(f"i{n}", 500 + n, title=f"Item {n}", categories=[f"c{n % 4}"]) for n in range(ITEMS)]
Event = dict[str, Any]


def some_events() -> list[Event]:
    rng = random.Random(7)
    events = []
    for n in range(EVENTS):
        user = rng.randrange(USERS)
        item = (user % 3) * 13 + rng.randrange(14) if rng.random() < 0.8 else rng.randrange(ITEMS)
        kind = rng.choices(["click", "view", "like", "dislike", "hide"], [10, 5, 3, 1, 1])[0]
        events.append({"event_id": f"e{n}", "user_id": f"u{user}", "item_id": f"i{item}", "type": kind,
                       "timestamp": 1_000 + n * 3_600_000})  # fmt: skip
    for n in range(0, EVENTS, 97):  # repeats
        events.append(events[n])
    return events


def records(events: list[Event]) -> dict[int, list[list[Event]]]:
    """The records of each partition: single events and envelopes of three."""
    of_partition: dict[int, list[Event]] = {p: [] for p in range(PARTITIONS)}
    for event in events:
        of_partition[partition_of(event["user_id"], PARTITIONS)].append(event)
    packed: dict[int, list[list[Event]]] = {}
    for partition, held in of_partition.items():
        packed[partition] = []
        at = 0
        while at < len(held):
            size = 3 if len(packed[partition]) % 5 == 0 else 1
            packed[partition].append(held[at : at + size])
            at += size
    return packed


def value(record: list[Event]) -> bytes:
    return json.dumps(record[0] if len(record) == 1 else record).encode()


class World:
    """A log with its settings, asked in both ways."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(partitions=PARTITIONS, data=folder)
        self.records = records(some_events())
        self.log = MemoryLog()
        for partition, held in self.records.items():
            for n in range(0, len(held), 50):
                part = [LogRecord(n + i, None, value(record)) for i, record in enumerate(held[n : n + 50])]
                self.log.add(Batch("interactions", partition, n, n + len(part), part))
        self.ends = [len(self.records[p]) for p in range(PARTITIONS)]
        self.fixed = Fixed(CATALOGUE)

    def travel(self, with_checkpoints: bool = True) -> TimeTravel:
        kept = checkpoints(self.settings, "cluster") if with_checkpoints else None
        past = Past(self.log, TOPICS, make_shard(self.settings), kept)
        return TimeTravel(past, self.log, TOPICS, self.fixed)

    def replay(self, position: list[int], without: str | None = None) -> DirectReplay:
        """The records before a position fed by hand, an event left out."""
        engine = DirectReplay(TOPICS)
        for item in CATALOGUE:
            told = {"item_id": item.item_id, "title": item.title, "categories": item.categories}
            engine.feed("item", item.item_id, json.dumps({**told, "timestamp": item.timestamp}).encode())
        for partition, held in self.records.items():
            for record in held[: position[partition]]:
                for event in record:
                    if event["event_id"] != without:
                        engine.feed("interaction", event["user_id"], json.dumps(event).encode())
        engine.flush()
        return engine


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("travel"))


def test_a_list_as_of_a_position_is_the_list_of_a_replay_up_to_there(world: World) -> None:
    rng = random.Random(3)
    travel = world.travel()
    for _ in range(TRIED):
        position = [rng.randrange(end + 1) for end in world.ends]
        user = f"u{rng.randrange(USERS)}"
        found = asyncio.run(travel.recommend(position, Query(user_id=user, explain=True)))
        expected = DirectAnswers(world.replay(position)).recommend({"user_id": user, "explain": True})
        assert found["items"] == expected["items"]
        assert found["left_out"] == expected["left_out"]
        assert found["position"] == {"interactions": position} == found["as_of"]["position"]
        assert found["as_of"]["versions"] == {"weights": 0, "index": "", "clicks": 0}


def test_an_item_without_an_event_stands_as_in_a_replay_of_the_edited_log(world: World) -> None:
    rng = random.Random(4)
    travel, plain = world.travel(), world.travel(with_checkpoints=False)
    whole = DirectAnswers(world.replay(world.ends))._recommender
    for share in (0.5, 0.8):  # so that some of the events lie behind a checkpoint, and some before
        for partition, end in enumerate(world.ends):
            travel._past.save(partition, travel._past.partition(partition, int(share * end)))
    for _ in range(TRIED):
        event = rng.choice([event for held in world.records.values() for record in held for event in record])
        item = event["item_id"] if rng.random() < 0.3 else f"i{rng.randrange(ITEMS)}"
        user = event["user_id"] if rng.random() < 0.8 else f"u{rng.randrange(USERS)}"
        edited = DirectAnswers(world.replay(world.ends, event["event_id"]))._recommender
        found = asyncio.run(travel.without(user, item, event["event_id"], world.ends))
        again = asyncio.run(plain.without(user, item, event["event_id"], world.ends))
        for side, service in (("before", whole), ("after", edited)):
            standing = asyncio.run(service.standing(Query(user_id=user, n=100), item))
            told = found[side]
            assert (told["place"], told["candidates"]) == (standing.place, standing.candidates)
            assert told["score"] == standing.score
            assert told["left_out"] == standing.left_out
            assert [reason["part"] for reason in told["reasons"]] == [reason.part for reason in standing.reasons]
            assert sum(reason["score"] for reason in told["reasons"]) == pytest.approx(standing.score, abs=1e-6)
        assert (found["before"], found["after"]) == (again["before"], again["after"])
        assert found["removed"][0]["event_id"] == event["event_id"]
        assert found["as_of"]["folded"] <= again["as_of"]["folded"]


def test_the_state_without_an_event_has_the_digest_of_the_edited_log(world: World) -> None:
    rng = random.Random(5)
    past = Past(world.log, TOPICS, make_shard(world.settings))
    for _ in range(TRIED):
        event = rng.choice([event for held in world.records.values() for record in held for event in record])
        partition = partition_of(event["user_id"], PARTITIONS)
        removed = find(world.log, "interactions", partition, world.ends[partition], Wanted.named(event["event_id"]))
        made = past.partition(partition, world.ends[partition], log=EditedLog(world.log, "interactions", removed))
        engine = world.replay(world.ends, event["event_id"])
        assert partition_digest(made.store) == partition_digest(engine._user_stores[partition])


def test_an_event_without_an_id_is_named_by_its_place(world: World) -> None:
    place = next(n for n, record in enumerate(world.records[1]) if len(record) == 1 and n > 20)
    event = world.records[1][place][0]
    user, item = event["user_id"], event["item_id"]
    by_id = asyncio.run(world.travel().without(user, item, event["event_id"], world.ends))
    by_place = asyncio.run(world.travel().without(user, item, f"@1:{place}", world.ends))
    assert by_place["removed"][0]["event_id"] == event["event_id"]
    if len(by_id["removed"]) == 1:
        assert by_place["after"] == by_id["after"]


def test_what_is_not_in_the_log_is_said(world: World) -> None:
    with pytest.raises(CommandError, match="no event"):
        asyncio.run(world.travel().without("u1", "i1", "never happened", world.ends))
    with pytest.raises(CommandError, match="no event"):
        asyncio.run(world.travel().without("u1", "i1", "e1400", [1, 1, 1]))
    unknown = asyncio.run(world.travel().without("u1", "no such item", "e3", world.ends))
    assert unknown["before"]["left_out"] == unknown["after"]["left_out"] == "unknown"
