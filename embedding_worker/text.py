"""The text of an item, as the encoder sees it.

>>> compose(Item(item_id="i9", timestamp=1, title="三体", categories=["科幻"], tags=["刘慈欣"]))
'三体\\n科幻, 刘慈欣'
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from recommender.events import Item

MAX_CHARS: Final = 2_000
_MAX_LABELS = 64


def compose(item: Item, max_chars: int = MAX_CHARS) -> str:
    """Title, categories and tags, text: one line each, at most `max_chars` characters.

    The labels stand before the text so that a long text never crowds them out. Each part has a
    bound of its own: a title gets at most half, the labels a quarter of the room.
    """
    title = _squeeze(item.title or "", max_chars // 2)
    labels = _join(dict.fromkeys(_squeeze(label, 64) for label in _first((item.categories, item.tags))), max_chars // 4)
    head = "\n".join(part for part in (title, labels) if part)
    text = _squeeze(item.text or "", max_chars - len(head) - 1)
    return "\n".join(part for part in (head, text) if part)[:max_chars]


def _first(groups: Iterable[list[str]]) -> Iterable[str]:
    for group in groups:
        yield from group[:_MAX_LABELS]


def _join(labels: Iterable[str], room: int) -> str:
    """As many whole labels as have room: half a word would mean something else."""
    taken: list[str] = []
    for label in labels:
        room -= len(label) + 2
        if room < 0:
            break
        if label:
            taken.append(label)
    return ", ".join(taken)


def _squeeze(text: str, room: int) -> str:
    """`text` with runs of white space and control characters as one space, cut to `room` characters."""
    if room <= 0:
        return ""
    # Cut first: a text of a megabyte must not cost a megabyte's work.
    cut = text[: 2 * room]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in cut).split())[:room]
