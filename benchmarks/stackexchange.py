"""Questions and answers of beer.stackexchange.com as items and events (data/stackexchange_beer, CC BY-SA 3.0).

>>> first = events()[0]
>>> first.type, len(events()), len(items())
('ask', 4013, 591)
"""

from __future__ import annotations

import gzip
import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

FOLDER = Path(__file__).parent / "data" / "stackexchange_beer"
WEIGHTS = {"ask": 1.0, "comment": 2.0, "favorite": 3.0, "answer": 4.0}
QUESTION, ANSWER, FAVORITE = "1", "2", "5"
COMMUNITY = "-1"


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """A user did something with a question; `timestamp` in ms."""

    timestamp: int
    user: str
    item: str
    type: str


@dataclass(frozen=True, slots=True)
class Item:
    """A question. `timestamp`: when it was asked, in ms."""

    item: str
    timestamp: int
    title: str
    text: str
    tags: tuple[str, ...]


def events() -> list[Event]:
    """Who asked, answered, commented on or marked which question, in time order."""
    posts = {post["Id"]: post for post in _rows("Posts") if post["PostTypeId"] in {QUESTION, ANSWER}}
    found: list[Event] = []

    def add(user: str | None, post_id: str, at: str, what: str) -> None:
        post = posts.get(post_id, {})
        question = posts.get(post_id if post.get("PostTypeId") == QUESTION else post.get("ParentId", ""))
        if user and user != COMMUNITY and question is not None:
            # Votes have a day but no time.
            when = max(_ms(at), _ms(question["CreationDate"]))
            found.append(Event(when, user, question["Id"], what))

    for post in posts.values():
        what = "ask" if post["PostTypeId"] == QUESTION else "answer"
        add(post.get("OwnerUserId"), post["Id"], post["CreationDate"], what)
    for comment in _rows("Comments"):
        add(comment.get("UserId"), comment["PostId"], comment["CreationDate"], "comment")
    for vote in _rows("Votes"):
        if vote["VoteTypeId"] == FAVORITE:
            add(vote.get("UserId"), vote["PostId"], vote["CreationDate"], "favorite")
    return sorted(found)


def items() -> list[Item]:
    """The questions in time order."""
    questions = [post for post in _rows("Posts") if post["PostTypeId"] == QUESTION]
    found = [
        Item(
            item=post["Id"],
            timestamp=_ms(post["CreationDate"]),
            title=post["Title"],
            text=_plain(post["Body"]),
            tags=tuple(re.findall(r"<([^>]+)>", post.get("Tags", ""))),
        )
        for post in questions
    ]
    return sorted(found, key=lambda item: (item.timestamp, item.item))


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    with gzip.open(FOLDER / f"{name}.xml.gz") as file:
        return tuple(dict(row.attrib) for row in ET.parse(file).getroot())


def _ms(date: str) -> int:
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() * 1000)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text))).strip()
