from __future__ import annotations

import itertools
import json
from importlib.resources import files

from coldspring.dataset import interactions, items, log
from recommender.events import decode_interaction, decode_item


def test_every_event_is_of_the_contracts_shape() -> None:
    events = list(interactions())
    assert len(events) == len({event["event_id"] for event in events}) == 100_000
    times = [decode_interaction(json.dumps(event).encode()).timestamp for event in events]
    assert times == sorted(times)
    films = list(items())
    assert len(films) == 10_506
    assert all(decode_item(json.dumps(film).encode()).domain == "movies" for film in films)
    assert {film["item_id"] for film in films} == {event["item_id"] for event in events}


def test_no_announcement_gives_the_next_rating_away() -> None:
    lines = list(itertools.islice(log(first=5_000), 12_000))
    kinds = [line["kind"] for line in lines]
    start = kinds.index("interaction")
    announced = [line["item_id"] for line in lines[:start]]
    assert announced == sorted(announced)
    assert "item" not in kinds[start : start + 5_000]


def test_an_item_comes_before_its_first_event() -> None:
    known: set[str] = set()
    previous = 0
    for line in itertools.islice(log(first=1_000), 20_000):
        assert line["timestamp"] >= previous
        previous = line["timestamp"]
        if line["kind"] == "item":
            known.add(line["item_id"])
        else:
            assert line["item_id"] in known


def test_the_notice_is_shipped() -> None:
    assert "Simon Dooms" in (files("coldspring") / "data/movietweetings/LICENSE.txt").read_text(encoding="utf-8")
