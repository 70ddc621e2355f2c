"""From a new item's publishing to its being found: by likeness, by text, and in the list of a user who would want it.

    python -m benchmarks.freshness [--site embedded|real] [--new 60] [--items 2000] [--rate 500]

While ratings flow, invented films are announced one at a time by three Kafka clients, at fixed times whatever the
system does. Each has an older twin with nearly the same text, and a fan whose only choice was that twin. The clock
runs from just before the publish call until the film is in the twin's `similar`, in the answer to its title as a
text query, and in the fan's list.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from benchmarks import catalogue, load
from benchmarks.announcers import Announcer, Announcers
from benchmarks.ask import Http, Lateness, ids, until
from benchmarks.catalogue import Pair
from benchmarks.figures import load_average, print_table, spread
from benchmarks.site import Site, running, with_site
from coldspring.producer import Producer

GOAL_MS = 2_000.0
POLL_S = 0.1
LIMIT_S = 20.0
WARM_S = 8.0
EVERY_S = 1.0
QUESTIONS = ("similar", "text", "list")
STAGES = ("arrived", "encoded", "indexed")


@dataclass(slots=True)
class Timed:
    """One new film: seconds to each answer, and to each step of its life on the server's clock."""

    client: str
    answers: dict[str, float]
    life: dict[str, float] = field(default_factory=dict)


async def time_one(http: Http, client: str, announcer: Announcer, pair: Pair) -> Timed:
    """Publish a film and ask until it is everywhere."""
    name, title = pair.new["item_id"], pair.new["title"]
    wall_ms = int(1000 * time.time())
    value = msgspec.json.encode({**pair.new, "timestamp": wall_ms})
    began = time.monotonic()

    async def similar() -> bool:
        return name in ids(await http.similar(pair.known["item_id"]))

    async def text() -> bool:
        return name in ids(await http.post("/v1/recommendations", {"text": title}))

    async def listed() -> bool:
        return name in ids(await http.recommended(pair.fan))

    _, *found = await asyncio.gather(
        announcer.publish("items", name, value),
        until(similar, POLL_S, LIMIT_S, began),
        until(text, POLL_S, LIMIT_S, began),
        until(listed, POLL_S, LIMIT_S, began),
    )
    timed = Timed(client, dict(zip(QUESTIONS, found, strict=True)))
    life = (await http.get(f"/v1/items/{name}")).get("life", {})
    timed.life = {step: (life[step] - wall_ms) / 1000 for step in STAGES if life.get(step)}
    return timed


async def announce(http: Http, announcers: Announcers, pairs: list[Pair]) -> list[Timed]:
    """Each at its time; a slow one does not hold up the next."""
    began = time.monotonic()
    tasks = []
    for number, pair in enumerate(pairs):
        await asyncio.sleep(max(0.0, began + (number + 0.5 * random.random()) * EVERY_S - time.monotonic()))
        client = list(announcers.by_name)[number % 3]
        tasks.append(asyncio.create_task(time_one(http, client, announcers.by_name[client], pair)))
    return list(await asyncio.gather(*tasks))


async def choose(http: Http, bootstrap: str, pairs: list[Pair]) -> None:
    """Have every fan choose the film they know, and wait until that was learned."""

    def send() -> None:
        with Producer(bootstrap) as producer:
            for pair in pairs:
                producer.interaction(user_id=pair.fan, item_id=pair.known["item_id"], type="like")

    await asyncio.to_thread(send)
    for pair in pairs:

        async def chosen(fan: str = pair.fan) -> bool:
            return bool((await http.get(f"/v1/users/{fan}")).get("history"))

        await until(chosen, POLL_S, LIMIT_S, time.monotonic())


async def measure(site: Site, options: argparse.Namespace) -> dict[str, Any]:
    pairs = catalogue.pairs(options.new)
    async with aiohttp.ClientSession() as session, Announcers(site.bootstrap) as announcers:
        http = Http(session, site.http)
        known = [{**pair.known, "timestamp": int(1000 * time.time())} for pair in pairs]
        filled_s = await catalogue.fill(http, site.bootstrap, catalogue.films(options.items) + known)
        await choose(http, site.bootstrap, pairs)
        with load.background(site.bootstrap, options.rate, options.items) as sent:
            await asyncio.sleep(WARM_S)
            async with Lateness() as own:
                timed = await announce(http, announcers, pairs)
    clients = {name: [one for one in timed if one.client == name] for name in announcers.by_name}
    clients["all"] = timed
    report: dict[str, Any] = {
        question: {name: spread([one.answers[question] for one in chosen]) for name, chosen in clients.items()}
        for question in QUESTIONS
    }
    report["poll_ms"] = 1000 * POLL_S
    report["stages"] = {step: spread([one.life[step] for one in timed if step in one.life]) for step in STAGES}
    worst = max(report[question]["all"]["p99"] for question in QUESTIONS)
    return {
        "benchmark": "freshness",
        "site": options.site,
        "new": len(timed),
        **report,
        "goal_ms": GOAL_MS,
        "met": worst <= GOAL_MS,
        "load": sent,
        "own_lateness_ms": round(1000 * own.latest_s, 1),
        "fill_items_per_s": round((options.items + len(pairs)) / filled_s, 1),
        "load_average": load_average(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    with_site(parser)
    parser.add_argument("--new", type=int, default=60, help="new films")
    parser.add_argument("--items", type=int, default=2_000, help="films of the catalogue")
    parser.add_argument("--rate", type=float, default=500.0, help="events a second beside it")
    options = parser.parse_args()
    with running(options.site) as site:
        report = asyncio.run(measure(site, options))
    head = ("ms from publishing", "client", "p50", "p99", "max")
    rows = [(question, name, *report[question][name].values()) for question in QUESTIONS for name in report[question]]
    print_table(head, rows + [(step, "(server)", *report["stages"][step].values()) for step in STAGES])
    print(json.dumps(report))


if __name__ == "__main__":
    main()
