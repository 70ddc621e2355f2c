"""Texts of items as the embedding worker composes them: short and long, English and Chinese.

>>> len(english(40)), len(multilingual(40)), english(40) == english(40)
(40, 40, True)
"""

from __future__ import annotations

import random
from itertools import islice
from typing import Any

from benchmarks import stackexchange
from coldspring import dataset
from coldspring.demo import films
from embedding_worker.text import compose
from recommender.events import Item
from tests.rig import shelf

SEED = 20261129


def english(count: int) -> list[str]:
    """Half films (title and genres), a quarter questions' titles and tags, a quarter whole questions."""
    questions = stackexchange.items()
    quarter = count // 4
    titles = [_text(title=one.title, tags=list(one.tags)) for one in questions[:quarter]]
    whole = [_text(title=one.title, tags=list(one.tags), text=one.text) for one in questions[quarter : 2 * quarter]]
    return _mixed([*_films(count - len(titles) - len(whole)), *titles, *whole])


def multilingual(count: int) -> list[str]:
    """Two thirds as `english`, the rest Chinese: titles alone, with a sentence, and with up to eight sentences."""
    chinese = count // 3
    return _mixed([*english(count - chinese), *_chinese(chinese)])


def announced(count: int) -> list[dict[str, Any]]:
    """Fields of new films, no two alike: real titles and genres, told apart by a subtitle."""
    known = list(dataset.items())
    return [
        {
            "item_id": f"bench-fresh-{number}",
            "title": f"{known[number % len(known)]['title']}: The Return {number}",
            "categories": known[number % len(known)]["categories"],
            "domain": "movies",
            "language": "en",
        }
        for number in range(count)
    ]


def composed(fields: dict[str, Any]) -> str:
    """The text that the worker encodes for an announced item."""
    return _text(title=fields["title"], categories=fields["categories"])


def _films(count: int) -> list[str]:
    return [composed(film) for film in islice(dataset.items(), count)]


def _chinese(count: int) -> list[str]:
    """The project's own Chinese films and books. There is no larger set: long texts are several of them together."""
    told = [pair.new for pair in films.pairs("text")] + [{"text": "", **item} for item in shelf.items()]
    chinese = [item for item in told if item["language"] == "zh"]
    draw = random.Random(SEED)
    made = []
    for number in range(count):
        one = chinese[number % len(chinese)]
        sentences = draw.choices([item["text"] for item in chinese if item["text"]], k=(0, 1, 3, 8)[number % 4])
        made.append(_text(title=one["title"], categories=one["categories"], text="".join(sentences)))
    return made


def _mixed(texts: list[str]) -> list[str]:
    return random.Random(SEED).sample(texts, len(texts))


def _text(**fields: Any) -> str:
    return compose(Item(item_id="text", timestamp=1, **fields))
