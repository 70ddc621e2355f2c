"""What is announced: real films for the catalogue, and invented ones, in pairs, to be timed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from itertools import islice
from typing import Any

from benchmarks.ask import Http
from coldspring import dataset
from coldspring.producer import Producer

Object = dict[str, Any]
FILL_S = 600.0

_WHO = (
    ("violin maker", "Music"), ("salvage diver", "Adventure"), ("asteroid surveyor", "Sci-Fi"),
    ("pastry chef", "Comedy"),
    ("border sheriff", "Western"), ("night nurse", "Horror"), ("dragon tamer", "Fantasy"), ("football coach", "Sport"),
    ("tax inspector", "Crime"), ("beekeeper", "Documentary"), ("submarine cook", "War"), ("tango dancer", "Romance"),
)  # fmt: skip
_WHERE = (
    "on a melting glacier", "in a town under siege", "aboard a lost train", "in the harbour of Lisbon",
    "at a desert radio station",
)  # fmt: skip
_WHAT = (
    "finds a letter that should not exist", "must hide a runaway prince", "bets everything on one last contest",
    "hears a voice behind the wall", "is taken for a spy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """A film that a fan has chosen, and its sequel, with nearly the same text, which is new."""

    fan: str
    known: Object
    new: Object


def films(count: int) -> list[Object]:
    """The first films of MovieTweetings."""
    return list(islice(dataset.items(), count))


def pairs(count: int) -> list[Pair]:
    """Invented films; at most 300 that differ in more than their number."""
    made = []
    for number in range(count):
        who, category = _WHO[number % 12]
        where, what = _WHERE[number // 12 % 5], _WHAT[(number // 60 + number) % 5]
        title = f"The {who.title()} {where.title()}"
        known, new = (
            {
                "item_id": f"bench-{number}-{part}",
                "title": name,
                "text": f"A {who} {where} {what}.",
                "categories": [category],
                "domain": "movies",
                "language": "en",
            }
            for part, name in (("known", title), ("new", f"{title}: The Return"))
        )
        made.append(Pair(f"bench-fan-{number}", known, new))
    return made


async def fill(http: Http, bootstrap: str, wanted: list[Object]) -> float:
    """Announce films and wait until all are in the index; how many seconds that took."""
    began = time.monotonic()
    before = int((await http.get("/v1/status")).get("index_size", 0))

    def send() -> None:
        with Producer(bootstrap) as producer:
            for film in wanted:
                producer.item(**film)

    await asyncio.to_thread(send)
    while int((await http.get("/v1/status")).get("index_size", 0)) < before + len(wanted):
        if time.monotonic() - began > FILL_S:
            raise SystemExit("the catalogue was not encoded in time")
        await asyncio.sleep(0.25)
    return time.monotonic() - began
