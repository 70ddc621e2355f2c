"""From a click to a changed list over HTTP.

    python -m benchmarks.click_latency [--site embedded|real] [--clicks 200] [--rate 500]

While ratings flow, users click one of the first films of their list, at fixed times whatever the system does: half of
them by POST /v1/events, half by a Kafka producer. The clock runs from the time the click was due until the user's list
is without that film; a last question with `explain` makes sure that it is left out as seen.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from benchmarks import catalogue, load
from benchmarks.announcers import Announcer, Announcers
from benchmarks.ask import Http, Lateness, ids, until
from benchmarks.figures import spread
from benchmarks.report import Figure, tell
from benchmarks.site import Site, running, with_site

BOUNDS_MS = (20.0, 100.0)
"""Of p50 and p99."""
POLL_S = 0.01
LIMIT_S = 10.0
WARM_S = 8.0
EVERY_S = 0.2
AHEAD_S = 0.5
DOORS = ("HTTP", "Kafka")


@dataclass(frozen=True, slots=True)
class Timed:
    """One click: seconds until it was taken by its door, and until the list had changed."""

    door: str
    taken_s: float
    changed_s: float
    seen: bool


async def click(http: Http, kafka: Announcer, door: str, due: float) -> Timed:
    """Click one film of a new user's list when it is time, and ask until it is gone."""
    user = f"clicker-{uuid.uuid4().hex[:12]}"
    item = random.choice(ids(await http.recommended(user))[:5])
    event: dict[str, Any] = {"event_id": uuid.uuid4().hex, "user_id": user, "item_id": item, "type": "click"}
    await asyncio.sleep(max(0.0, due - time.monotonic()))
    event["timestamp"] = int(1000 * time.time())

    async def send() -> float:
        if door == "HTTP":
            await http.post("/v1/events", event)
        else:
            await kafka.publish("interactions", user, msgspec.json.encode(event))
        return time.monotonic() - due

    async def gone() -> bool:
        listed = ids(await http.recommended(user))
        return bool(listed) and item not in listed

    taken_s, changed_s = await asyncio.gather(send(), until(gone, POLL_S, LIMIT_S, due))
    left_out = (await http.recommended(user, "&explain=true")).get("left_out", ())
    return Timed(door, taken_s, changed_s, {"item_id": item, "rule": "seen"} in left_out)


async def clicks(http: Http, kafka: Announcer, count: int) -> list[Timed]:
    """Spread over time, each at a random moment of its slot."""
    began = time.monotonic()
    tasks = []
    for number in range(count):
        due = began + AHEAD_S + (number + random.random()) * EVERY_S
        await asyncio.sleep(max(0.0, due - AHEAD_S - time.monotonic()))
        tasks.append(asyncio.create_task(click(http, kafka, DOORS[number % 2], due)))
    return list(await asyncio.gather(*tasks))


async def measure(site: Site, options: argparse.Namespace) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, Announcers(site.bootstrap) as announcers:
        http = Http(session, site.http)
        await catalogue.fill(http, site.bootstrap, catalogue.films(options.items))
        with load.background(site.bootstrap, options.rate, options.items) as sent:
            await asyncio.sleep(WARM_S)
            async with Lateness() as own:
                timed = await clicks(http, announcers.by_name["confluent-kafka"], options.clicks)
    doors = {door: [one for one in timed if one.door == door] for door in DOORS} | {"all": timed}
    changed = {door: spread([one.changed_s for one in chosen]) for door, chosen in doors.items()}
    return {
        "site": options.site,
        "clicks": len(timed),
        "seen": sum(one.seen for one in timed),
        "changed": changed,
        "taken": {door: spread([one.taken_s for one in chosen]) for door, chosen in doors.items()},
        "poll_ms": 1000 * POLL_S,
        "load": sent,
        "own_lateness_ms": round(1000 * own.latest_s, 1),
    }


def figures_of(report: dict[str, Any]) -> list[Figure]:
    """The bounds are for all clicks; the doors beside them."""
    load, poll = f"beside {report['load']['per_s']:g} events/s", f"asked every {report['poll_ms']:g} ms"
    changed, taken = report["changed"], report["taken"]
    return [
        Figure("click to changed list: p50", changed["all"]["p50"], "ms", bound=BOUNDS_MS[0], against=poll),
        Figure("click to changed list: p99", changed["all"]["p99"], "ms", bound=BOUNDS_MS[1], against=load),
        Figure("left out as seen", report["seen"] / report["clicks"], "share", "at least", 1.0),
        *(Figure(f"{door}: click to changed list, p50", changed[door]["p50"], "ms") for door in DOORS),
        *(Figure(f"{door}: click confirmed, p50", taken[door]["p50"], "ms") for door in DOORS),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    with_site(parser)
    parser.add_argument("--clicks", type=int, default=200)
    parser.add_argument("--items", type=int, default=2_000, help="films of the catalogue")
    parser.add_argument("--rate", type=float, default=500.0, help="events a second beside it")
    options = parser.parse_args()
    with running(options.site) as site:
        report = asyncio.run(measure(site, options))
    tell("click_latency", figures_of(report), report)


if __name__ == "__main__":
    main()
