"""A hundred new items a second: from the publishing of each until it can be recommended.

    python -m benchmarks.fresh_items [--site real|embedded] [--rate 100] [--seconds 20] [--events 0]

One Kafka producer announces new films at fixed times, whatever the system does (open loop). The clock of each runs
from the time its publish call was due until it is in the index of the serving process and its fields have arrived, by
the server's own life line (`GET /v1/items/{id}`, ms, one machine's clock). Every 20th film is also really asked for:
each 50 ms its older twin's `similar`, until it is in the list; that is in the figure. It also tells of what the life
line does not know: how long the serving process takes to follow the store. An item that never comes counts with the
limit (20 s).

Beside it, measured before the site starts: what the encoder alone takes for such texts, in batches of 64 and singly.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time
from typing import Any

import aiohttp

from benchmarks import catalogue, load
from benchmarks.ask import Http, Lateness, ids, until
from benchmarks.encoder_alone import alone
from benchmarks.figures import spread
from benchmarks.fresh_films import LIMIT_S, SAMPLE, Announced, plan, publish
from benchmarks.report import Figure, tell
from benchmarks.site import Site, running, with_site

P50_MS, P99_MS = 200.0, 1_000.0
POLL_S = 0.05
WARM_S = 5.0
AHEAD_S = 1.0
STEPS = ("arrived", "encoded", "indexed")
AT_ONCE = 16


async def ask(http: Http, one: Announced) -> None:
    """Ask the twin's neighbours from the film's time on, until it is one of them."""
    await asyncio.sleep(max(0.0, one.due - time.monotonic()))
    name = one.film["item_id"]

    async def similar() -> bool:
        return name in ids(await http.similar(one.twin))

    one.asked_s = await until(similar, POLL_S, LIMIT_S, one.due)


async def read_lives(http: Http, films: list[Announced]) -> None:
    """What the server noted of each, in seconds from its time."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def read(one: Announced) -> None:
        async with turn:
            life = (await http.get(f"/v1/items/{one.film['item_id']}")).get("life", {})
        one.life = {step: (life[step] - one.due_ms) / 1000 for step in STEPS if life.get(step)}

    await asyncio.gather(*map(read, films))


async def settled(http: Http, names: list[str]) -> None:
    """Wait until the state's agent has the catalogue too: it starts later than the index, and is not what is timed."""

    async def arrived() -> bool:
        return all([(await http.get(f"/v1/items/{name}")).get("life", {}).get("arrived") for name in names])

    if await until(arrived, 0.5, catalogue.FILL_S, time.monotonic()) >= catalogue.FILL_S:
        raise SystemExit("the catalogue did not arrive in time")


async def announce(http: Http, bootstrap: str, films: list[Announced], rate: float) -> dict[str, float]:
    """Publish them all, ask for the sample meanwhile, then read what the server noted."""
    start = threading.Event()
    sending = asyncio.create_task(asyncio.to_thread(publish, bootstrap, films, start))
    began, began_ms = time.monotonic() + AHEAD_S, 1000 * (time.time() + AHEAD_S)
    for number, one in enumerate(films):
        one.due, one.due_ms = began + number / rate, began_ms + 1000 * number / rate
    async with Lateness() as own:
        start.set()
        await asyncio.gather(*(ask(http, one) for one in films[::SAMPLE]))
        latest_s = await sending
    for _ in range(int(LIMIT_S)):
        await read_lives(http, [one for one in films if "indexed" not in one.life])
        if all("indexed" in one.life for one in films):
            break
        await asyncio.sleep(1.0)
    return {"publish_latest_ms": round(1000 * latest_s, 1), "own_lateness_ms": round(1000 * own.latest_s, 1)}


async def measure(site: Site, options: argparse.Namespace) -> tuple[list[Announced], dict[str, Any]]:
    films, pairs = plan(int(options.rate * options.seconds))
    async with aiohttp.ClientSession() as session:
        http = Http(session, site.http)
        known = [{**pair.known, "timestamp": int(1000 * time.time())} for pair in pairs]
        await catalogue.fill(http, site.bootstrap, catalogue.films(options.items) + known)
        await settled(http, [pair.known["item_id"] for pair in pairs])
        if options.events:
            with load.background(site.bootstrap, options.events, options.items) as sent:
                await asyncio.sleep(WARM_S)
                return films, {**await announce(http, site.bootstrap, films, options.rate), "load": sent}
        return films, await announce(http, site.bootstrap, films, options.rate)


def figures(films: list[Announced], encoder: dict[str, float], rate: float) -> list[Figure]:
    """The life line's and the sample's, with their bounds."""
    life = spread([one.recommendable_s for one in films])
    asked = spread([one.asked_s for one in films if one.asked_s is not None])
    floor = f"encoder alone: one text {encoder['one_ms']:g} ms, 64 {encoder['batch_ms']:g} ms"
    found = [
        Figure("recommendable, p50", life["p50"], "ms", bound=P50_MS, against=floor),
        Figure("recommendable, p99", life["p99"], "ms", bound=P99_MS, against=floor),
        Figure("recommendable, latest", life["max"], "ms"),
        Figure("found by its twin, p50", asked["p50"], "ms", bound=P50_MS, against=f"asked each {1000 * POLL_S:g} ms"),
        Figure("found by its twin, p99", asked["p99"], "ms", bound=P99_MS, against=f"asked each {1000 * POLL_S:g} ms"),
    ]
    for step in STEPS:
        told = spread([one.life[step] for one in films if step in one.life])
        found += [Figure(f"{step}, {rank}", told[rank], "ms") for rank in ("p50", "p99")]
    busy = 100 * rate / encoder["texts_per_s"]
    alone_s = f"{encoder['texts_per_s']:g} texts/s alone ({encoder['form']})"
    return [*found, Figure("encoder's time taken", busy, "%", against=alone_s)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    with_site(parser)
    parser.set_defaults(site="real")
    parser.add_argument("--rate", type=float, default=100.0, help="new items a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="for how long")
    parser.add_argument("--items", type=int, default=1_000, help="films of the catalogue before")
    parser.add_argument("--events", type=float, default=0.0, help="ratings a second beside it")
    options = parser.parse_args()
    encoder = alone()
    with running(options.site) as site:
        films, details = asyncio.run(measure(site, options))
    never = sum("indexed" not in one.life for one in films)
    tell(
        "fresh_items",
        figures(films, encoder, options.rate),
        {"site": options.site, "new": len(films), "never": never, "encoder": encoder, **details},
    )


if __name__ == "__main__":
    main()
