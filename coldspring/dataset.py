"""The ratings that come with Coldspring: MovieTweetings, 100,000 events on 10,506 films (MIT, (c) 2013 Simon Dooms).

Events and items are objects of the contract's shape, ready to be sent or written to a log.

>>> first = next(interactions())
>>> first["type"], first["scale"], first["timestamp"]
('rating', [0, 10], 1362062307000)
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

Object = dict[str, Any]


def interactions() -> Iterator[Object]:
    """The ratings in time order: user_id, item_id, value on a scale of 0 to 10, timestamp in ms, event_id."""
    for timestamp, user, item, value in _ratings():
        yield {
            "event_id": f"movietweetings-{user}-{item}",
            "user_id": user,
            "item_id": item,
            "type": "rating",
            "value": value,
            "scale": [0, 10],
            "timestamp": timestamp,
        }


def items() -> Iterator[Object]:
    """The films that were rated, in the order of their first rating; its time is their timestamp."""
    films = {item: (title, genres) for item, title, genres in _rows("movies.dat.gz")}
    first: dict[str, int] = {}
    for timestamp, _, item, _ in _ratings():
        first.setdefault(item, timestamp)
    for item, timestamp in first.items():
        title, genres = films[item]
        yield {
            "item_id": item,
            "title": title,
            "categories": [genre for genre in genres.split("|") if genre],
            "domain": "movies",
            "language": "en",
            "timestamp": timestamp,
        }


def log(first: int | None = None) -> Iterator[Object]:
    """Items and interactions with their `kind`, as lines of an event log.

    The set knows no announcements. A film announced just before its first rating would give that rating away (the
    newest film is the next one rated), so all films of the `first` ratings (default: of all) come at the beginning, in
    the order of their ids and with the time of the first rating. Films that are only rated later come just before:
    what is measured on that part flatters whatever looks at the newest items.
    """
    ratings = list(interactions())
    films = {item["item_id"]: item for item in items()}
    known = sorted({event["item_id"] for event in ratings[:first]})
    for item_id in known:
        yield {"kind": "item", **films.pop(item_id), "timestamp": ratings[0]["timestamp"]}
    for event in ratings:
        late = films.pop(event["item_id"], None)
        if late is not None:
            yield {"kind": "item", **late}
        yield {"kind": "interaction", **event}


@cache
def _ratings() -> tuple[tuple[int, str, str, float], ...]:
    rows = ((1000 * int(at), user, item, float(value)) for user, item, value, at in _rows("ratings.dat.gz"))
    return tuple(sorted(rows))


def _rows(name: str) -> Iterator[list[str]]:
    folder = files("coldspring") / "data" / "movietweetings"
    with (folder / name).open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield line.rstrip("\n").split("::")


def main() -> None:
    """Write the log, one event a line: ``python -m coldspring.dataset > movietweetings.jsonl``."""
    for event in log():
        sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
