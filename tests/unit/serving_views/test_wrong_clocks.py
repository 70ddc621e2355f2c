"""Events out of order and clocks that are wrong, as what is served shows them; docs/out-of-order.md has the rules."""

import json
import random
from typing import Any

import pytest

from recommender.events import decode_item
from recommender.partitioning import partition_of
from serving.live_recommender import LiveRecommender
from serving.views.memory import MemoryReadModel
from streams.batch import Batch
from streams.intake import LogRecord
from streams.item_shard import ItemShard
from streams.memory_store import MemoryItemStore
from streams.replay import DirectReplay

SINCE = 1_700_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LAST_YEAR, FIRST_MS = 253_402_300_799_999, 1

Event = dict[str, Any]


def clicks() -> list[Event]:
    """Three days, a click every three minutes: `evergreen` goes on all the time, `rising` only on the last day."""
    rng, made = random.Random(7), []
    for n in range(3 * 480):
        item = rng.choice(["rising", "evergreen", "i1"] if n > 2 * 480 else ["old", "old", "evergreen", f"i{n % 40}"])
        event = {"event_id": f"e{n}", "user_id": f"u{n % 97}", "item_id": item, "type": "click"}
        made.append({**event, "timestamp": SINCE + 3 * n * MINUTE})
    return made


def played(events: list[Event]) -> DirectReplay:
    engine = DirectReplay()
    for name in ("rising", "evergreen", "old", "strange", *(f"i{n}" for n in range(40))):
        engine.feed("item", name, json.dumps({"item_id": name, "title": name, "timestamp": SINCE}).encode())
    for event in events:
        engine.feed("interaction", event["user_id"], json.dumps(event).encode())
    engine.flush()
    return engine


def served(engine: DirectReplay, now_ms: int = SINCE + 3 * DAY) -> LiveRecommender:
    states = [shard.state for shard in engine.users]
    model = MemoryReadModel(states, lambda _: None, lambda: engine.position()["interactions"], follow=False)
    for data in engine.live_items().values():
        model.announce(decode_item(data))
    return LiveRecommender(model, clock=lambda: now_ms)


async def trending(events: list[Event], n: int = 5, window_ms: int = DAY) -> dict[str, float]:
    return {item.item_id: item.score for item in await served(played(events)).trending(n, window_ms=window_ms)}


def odd(n: int, timestamp: int) -> Event:
    return {"event_id": f"odd{n}", "user_id": f"odd{n}", "item_id": "strange", "type": "click", "timestamp": timestamp}


def within(events: list[Event], strange: Event, place: int) -> list[Event]:
    return [*events[:place], strange, *events[place:]]


@pytest.mark.parametrize("timestamp", [LAST_YEAR, FIRST_MS], ids=["year 9999", "year 1970"])
@pytest.mark.parametrize("place", [0, 700, 1_440], ids=["first", "in the middle", "last"])
async def test_one_wrong_clock_leaves_trending_as_it_was(timestamp: int, place: int) -> None:
    usual = await trending(clicks())
    assert next(iter(usual)) == "rising"
    found = await trending(within(clicks(), odd(0, timestamp), place))
    found.pop("strange", None)
    assert list(found)[:3] == list(usual)[:3]
    assert [found[name] for name in list(usual)[:3]] == pytest.approx(list(usual.values())[:3], rel=0.02)


@pytest.mark.parametrize("timestamp", [LAST_YEAR, FIRST_MS], ids=["year 9999", "year 1970"])
async def test_a_wrong_clock_alone_in_its_partition_leaves_trending_as_it_was(timestamp: int) -> None:
    kept = [event for event in clicks() if partition_of(event["user_id"], 4) != partition_of("odd0", 4)]
    usual = await trending(kept)
    found = await trending([*kept, odd(0, timestamp)])
    found.pop("strange", None)
    assert list(found)[:3] == list(usual)[:3]
    assert [found[name] for name in list(usual)[:3]] == pytest.approx(list(usual.values())[:3], rel=0.02)


async def test_an_hour_in_the_future_is_learned_and_counts_as_of_now() -> None:
    ahead = [{**event, "timestamp": event["timestamp"] + HOUR * (n % 20 == 0)} for n, event in enumerate(clicks())]
    usual, found = await trending(clicks()), await trending(ahead)
    assert list(found)[:3] == list(usual)[:3]
    assert [found[name] for name in list(usual)[:3]] == pytest.approx(list(usual.values())[:3], rel=0.02)
    history = (await served(played(ahead)).user(ahead[-20]["user_id"]))["history"]
    assert max(event["timestamp"] for event in history) in {event["timestamp"] for event in ahead}


async def test_eight_days_late_is_learned_but_no_trend() -> None:
    many = [odd(n, SINCE - 8 * DAY) for n in range(200)]
    events = sorted(clicks() + many, key=lambda event: hash_of(event["event_id"], event["timestamp"]))
    engine = played(events)
    assert engine.counts()["applied"] == len(events)
    top = [item.item_id for item in await served(engine).trending(3)]
    assert "strange" not in top
    assert (await served(engine).item("strange"))["counts"]["click"] == 200


def hash_of(event_id: str, timestamp: int) -> float:
    """Late events come spread over the stream; the others keep their order."""
    return float(timestamp) if timestamp >= SINCE else SINCE + int(event_id[3:]) * 3 * DAY / 200


async def test_out_of_order_within_a_minute_is_learned_in_the_order_of_the_log() -> None:
    rng = random.Random(1)
    mixed = [{**event, "timestamp": event["timestamp"] - rng.randrange(MINUTE)} for event in clicks()]
    usual, found = await trending(clicks()), await trending(mixed)
    assert list(found)[:3] == list(usual)[:3]
    [user] = {event["user_id"] for event in mixed[-1:]}
    history = (await served(played(mixed)).user(user))["history"]
    logged = [event["item_id"] for event in mixed if event["user_id"] == user]
    assert [event["item_id"] for event in history] == logged[::-1][: len(history)]


@pytest.mark.parametrize("ahead", [8 * HOUR, 6 * DAY], ids=["8 hours", "6 days"])
async def test_devices_ahead_of_time_make_nothing_else_look_old(ahead: int) -> None:
    strange = [{**event, "timestamp": event["timestamp"] + ahead * (n % 100 == 50)} for n, event in enumerate(clicks())]
    usual, found = await trending(clicks()), await trending(strange)
    assert list(found)[:3] == list(usual)[:3]
    assert [found[name] for name in list(usual)[:3]] == pytest.approx(list(usual.values())[:3], rel=0.1)


async def test_after_a_quiet_night_what_is_clicked_rises_at_once() -> None:
    """In every partition the median of the last times is still of the evening."""
    morning = SINCE + 3 * DAY + 9 * HOUR
    waking = [{**odd(n, morning + n * MINUTE), "item_id": "i7"} for n in range(8)]
    assert len({partition_of(event["user_id"], 4) for event in waking}) > 1
    usual, found = [await trending(events, window_ms=3 * HOUR) for events in (clicks(), [*clicks(), *waking])]
    assert next(iter(usual)) == "rising"
    assert next(iter(found)) == "i7"
    assert found["rising"] < 0.2 * usual["rising"]


@pytest.mark.parametrize("off", [-HOUR, HOUR])
async def test_the_wall_clock_of_a_server_moves_no_trend(off: int) -> None:
    engine = played(clicks())
    here, there = [await served(engine, SINCE + 3 * DAY + shift).trending(5) for shift in (0, off)]
    assert [(item.item_id, item.score) for item in here] == [(item.item_id, item.score) for item in there]


@pytest.mark.parametrize("off", [-HOUR, HOUR])
def test_the_wall_clock_of_a_worker_is_not_in_what_it_folds(off: int) -> None:
    def folded(now_ms: int) -> dict[str, bytes]:
        store = MemoryItemStore()
        shard = ItemShard(0, 1, store, "owner", lambda: now_ms)
        shard.reopen()
        item = json.dumps({"item_id": "i", "title": "t", "timestamp": SINCE, "expires_at": SINCE + 1}).encode()
        shard.commit(shard.fold("items", Batch("items", 0, 0, 1, [LogRecord(0, b"i", item)])))
        return dict(store.all_items())

    assert folded(SINCE) == folded(SINCE + off) != {}
