"""Latency of a user's list over HTTP in open loop, while events are learned on the same cores, and while none are.

    python -m benchmarks.query [--site real|embedded] [--rates 200 1000] [--load 5000] [--seconds 15]

GET /v1/users/{id}/recommendations?n=10 at fixed times (`benchmarks/query_client.py`: latency counts from the time a
request was due) over 16 kept connections, of a whole `coldspring up`. The load (`benchmarks/load.py`) sends real
ratings in envelopes of up to 100; the users who are asked for are those of the ratings, drawn by Zipf's law in the
order of how many ratings they have. First the site learns some seconds of that load; once worker and trainer are done
(30 s at most) the quiet phases are measured, with nothing sent; then the load flows again, and the bounds are for these
phases. All share the cores: broker, store, the system's five processes, load and client. The details have what each
took of them in each phase, how late the client itself was, and how many events a second were learned meanwhile.

An answer that is not 200 counts with its time like the others. One that had not come two seconds after the last request
was due counts as not 200, with the time that it had waited: p99 and maximum are then lower bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import httpx

from benchmarks import catalogue, load
from benchmarks.ask import Http
from benchmarks.busy import busy
from benchmarks.open_loop import Seen, ask, drawn, with_client
from benchmarks.report import Figure, tell
from benchmarks.site import Site, running

BOUNDS_MS = {200.0: (5.0, None), 1000.0: (20.0, 5.0)}
"""The most that p99 may be at a rate under load, and what we would like."""
WARM_S = 3.0
SETTLED_S = 30.0
IDLE = 0.05
"""Less than this of a core is no work."""


def phase(site: Site, targets: list[str], rate: float, seconds: float, connections: int) -> Seen:
    """One rate: a warm-up, then the measurement, with what was learned and what each process took meanwhile."""
    address = urlsplit(site.http).netloc
    ask(address, targets[::-1], rate, WARM_S, connections)
    before, began = applied(site), time.monotonic()
    with busy(os.getpid()) as cores:
        seen = ask(address, targets, rate, seconds, connections)
    learned = (applied(site) - before) / (time.monotonic() - began)
    return {**seen, "learned_per_s": round(learned), "cores_by_role": {**cores, "client": seen.pop("cores")}}


def applied(site: Site) -> int:
    """How many events the lists include."""
    return int(httpx.get(f"{site.http}/v1/status", timeout=30.0, trust_env=False).json()["applied"])


def settle(site: Site) -> None:
    """Return once all is learned: the worker's lists stay as they are, and the trainer has nothing to do."""
    deadline = time.monotonic() + SETTLED_S
    while time.monotonic() < deadline:
        before = applied(site)
        with busy(os.getpid()) as cores:
            time.sleep(1.0)
        if applied(site) == before and cores.get("trainer", 0.0) < IDLE:
            return


async def fill(site: Site, films: int) -> None:
    """Announce the films."""
    async with aiohttp.ClientSession() as session:
        await catalogue.fill(Http(session, site.http), site.bootstrap, catalogue.films(films))


def measure(site: Site, users: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """All phases, by name."""
    asyncio.run(fill(site, options.items))
    targets = [f"/v1/users/{quote(user, safe='')}/recommendations?n=10" for user in users]
    flowing = (site.bootstrap, options.load, options.items, options.together)
    with load.background(*flowing):
        time.sleep(options.before)
    settle(site)
    found: dict[str, Any] = {}
    for rate in options.rates:
        found[f"quiet_{rate:g}"] = phase(site, targets, rate, options.seconds / 2, options.connections)
    with load.background(*flowing) as sent:
        time.sleep(options.warm)
        for rate in options.rates:
            found[f"loaded_{rate:g}"] = phase(site, targets, rate, options.seconds, options.connections)
    return {**found, "load": sent}


def figures_of(found: dict[str, Any], options: argparse.Namespace) -> list[Figure]:
    """Phases with load and their bounds, then those without; each beside what it is compared with."""
    figures: list[Figure] = []
    for rate in options.rates:
        quiet, loaded = found[f"quiet_{rate:g}"], found[f"loaded_{rate:g}"]
        figures += latencies(f"{rate:g} req/s, {options.load:g} events/s", loaded, quiet, BOUNDS_MS.get(rate))
        sent = f"sent {found['load']['per_s']:,.0f}"
        figures.append(
            Figure(f"learned beside {rate:g} req/s", loaded["learned_per_s"], "events/s", "at least", against=sent)
        )
        figures += latencies(f"{rate:g} req/s, no load", quiet)
    return figures


def latencies(
    name: str, seen: Seen, quiet: Seen | None = None, bound: tuple[float, float | None] | None = None
) -> Iterator[Figure]:
    """A phase's p50, p99 and maximum, with the bound of its p99, and the share of failures."""
    for share in ("p50", "p99", "max"):
        against = f"no load {quiet['latency_ms'][share]:.3g}" if quiet else ""
        most, goal = bound if bound and share == "p99" else (None, None)
        yield Figure(f"{name}: {share}", seen["latency_ms"][share], "ms", bound=most, goal=goal, against=against)
    yield Figure(f"{name}: not 200", seen["failed"], "share")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--site", choices=("embedded", "real"), default="real", help="broker and store")
    with_client(parser)
    parser.add_argument("--load", type=float, default=5_000.0, help="events a second")
    parser.add_argument("--together", type=int, default=100, help="most events of a partition in one record")
    parser.add_argument("--before", type=float, default=5.0, help="seconds of load before the quiet phases")
    parser.add_argument("--warm", type=float, default=8.0, help="seconds of load before the phases with load")
    options = parser.parse_args()
    users = drawn(options)
    with running(options.site) as site:
        found = measure(site, users, options)
    tell("query", figures_of(found, options), {"site": options.site, **found})


if __name__ == "__main__":
    main()
