"""What a running site takes: core-seconds a million events, lists and items, and bytes a user, an item, a vector.

    python -m benchmarks.cost [--rate 2000] [--lists 100] [--items 300] [--seconds 10]

`coldspring up` on a real Kafka and a real Redis. Three phases, one after the other: real ratings at a fixed rate from
another process; lists for the users who rated, at a fixed rate over HTTP; invented films, announced at once. Each is
measured from the idle site until nothing of it waits any more, in the click worker, the trainer or the index, and what
the same processes took in the five idle seconds before it is left out. The load and the asking are not in the figures.
Below 100 % of the cores a fixed rate makes small batches, so that these are costs of a site that keeps up, not its
least: the worker with a log that waits is in `ingest` and `scale`.

Bytes are `MEMORY USAGE` of all keys by kind, over the users, items and vectors that they hold; a user with a full
history is told apart: the bytes of that user's own rows.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

import aiohttp

from benchmarks import catalogue, load
from benchmarks.ask import Http, ids
from benchmarks.report import Figure, tell
from benchmarks.site import Site, running
from benchmarks.spending import Meter, Spent
from benchmarks.stored_bytes import Stored, a_full_user, stored
from coldspring.dataset import items
from coldspring.producer import Producer
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.topics import Topics
from streams.admin import cluster_id
from streams.redis_store import connect

NAME: Final = "cost"
USER_GOAL: Final = 4_000.0
READER: Final = "bench-reader"
HISTORY: Final = 250
"""Events of the reader: more than are kept of anybody."""
WARM_S: Final = 2.0


async def events(site: Site, rate: float, seconds: float, films: int) -> int:
    """Ratings at a fixed rate."""
    with load.background(site.bootstrap, rate, films) as sent:
        await asyncio.sleep(seconds)
    return int(sent["sent"])


async def lists(http: Http, users: Sequence[str], rate: float, seconds: float) -> int:
    """Lists at a fixed rate, whatever the system does; how many were answered."""
    rng, began = random.Random(7), time.monotonic()
    asked = []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        asked.append(asyncio.create_task(http.recommended(rng.choice(users))))
    answered = sum(bool(ids(answer)) for answer in await asyncio.gather(*asked))
    if answered < len(asked):
        raise SystemExit(f"{answered} of {len(asked)} lists were answered")
    return answered


def read_much(bootstrap: str, films: int) -> None:
    """One user clicks more films than a history holds."""
    known = [film["item_id"] for film in islice(items(), films)]
    with Producer(bootstrap) as producer:
        for number in range(HISTORY):
            producer.interaction(user_id=READER, item_id=known[number % len(known)], type="click")


async def measure(site: Site, options: argparse.Namespace) -> tuple[dict[str, Spent], Stored, int]:
    films = options.films
    async with aiohttp.ClientSession() as session:
        http = Http(session, site.http)
        meter = Meter(http, site.pids)
        await catalogue.fill(http, site.bootstrap, catalogue.films(films))
        await asyncio.to_thread(read_much, site.bootstrap, films)
        await events(site, options.rate, WARM_S, films)
        rated = [event.user_id for event in islice(load.ratings(films), int(options.rate * WARM_S / 2))]
        await lists(http, rated, 50, WARM_S)
        found = {
            "events": await meter.phase(lambda: events(site, options.rate, options.seconds, films)),
            "lists": await meter.phase(lambda: lists(http, rated, options.lists, options.seconds)),
        }
        keys, topics = Keys(await cluster_id(site.bootstrap)), Topics()
        client: Any = connect(site.redis)
        held = stored(client, keys, topics)
        reader = a_full_user(client, keys, partition_of(READER, topics.partitions), READER)
        client.close()
        fresh = [pair.known for pair in catalogue.pairs(options.items)]

        async def announce() -> int:
            await catalogue.fill(http, site.bootstrap, fresh)
            return len(fresh)

        found["items"] = await meter.phase(announce)
    return found, held, reader


def figures(found: dict[str, Spent], held: Stored, reader: int) -> list[Figure]:
    """Of all phases, and of the store."""
    told = []
    for name, spent in found.items():
        by = ", ".join(f"{process} {value:,.0f}" for process, value in spent.by_process().items() if value >= 1)
        told.append(Figure(f"a million {name}", spent.a_million, "core-s", against=by))
    against = f"{held.users:,} users"
    told.append(Figure("a user", held.a_user, "bytes", bound=USER_GOAL, goal=USER_GOAL, against=against))
    told.append(Figure("a user with a full history", reader, "bytes", against="rows alone"))
    told.append(Figure("an item", held.an_item, "bytes", against=f"{held.items:,} items"))
    told.append(Figure("a vector", held.a_vector, "bytes", against=f"{held.vectors:,} vectors"))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=2_000.0, help="events a second")
    parser.add_argument("--lists", type=float, default=100.0, help="lists a second")
    parser.add_argument("--items", type=int, default=300, help="new films, at most 300")
    parser.add_argument("--films", type=int, default=1_000, help="films of the catalogue")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long events and lists are sent")
    options = parser.parse_args()
    with running("real") as site:
        found, held, reader = asyncio.run(measure(site, options))
    phases = {
        name: {
            "count": spent.count,
            "seconds": round(spent.seconds, 2),
            "core_s_a_million": spent.by_process(),
            "idle_cores": {process: round(value, 4) for process, value in spent.idle.items()},
        }
        for name, spent in found.items()
    }
    tell(NAME, figures(found, held, reader), {"phases": phases, "stored": asdict(held), "options": vars(options)})


if __name__ == "__main__":
    main()
