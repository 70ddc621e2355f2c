"""What is made up for benchmarks: a log that grows, events in envelopes, items and vectors; the same for the same seed.

>>> log = GrowingLog(seed=1)
>>> log.records(0, 2)[1].value == GrowingLog(seed=1).records(1, 2)[0].value
True
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from recommender.events import MAX_ENVELOPE, Interaction, Item
from recommender.vectors import Vector
from streams.intake import LogRecord

Array = np.ndarray[Any, Any]

FIRST_MS: Final = 1_700_000_000_000
APART_MS: Final = 100
BLOCK: Final = 1_000
"""Events drawn together: where a block begins decides its numbers, so that any part of the log can be made alone."""

FEWEST: Final = 100
EVENTS_A_USER: Final = 20
EVENTS_AN_ITEM: Final = 50
MOST_ITEMS: Final = 20_000
DIM: Final = 512
CENTRES: Final = 200
ANNOUNCED_MS: Final = 1_690_000_000_000


class Zipf:
    """Numbers from 0 on, the k-th as likely as 1/(k+1), over a range that may differ from draw to draw."""

    def __init__(self, most: int = 0) -> None:
        self._mass: Array = np.zeros(0, np.float64)
        self._reach(most)

    def draw(self, rng: np.random.Generator, count: int, below: int) -> Array:
        """`count` numbers under `below`."""
        self._reach(below)
        mass = self._mass[:below]
        return np.asarray(np.searchsorted(mass, rng.random(count) * mass[-1], side="right"), np.int64)

    def _reach(self, most: int) -> None:
        if most > len(self._mass):
            self._mass = np.cumsum(1.0 / np.arange(1, max(most, 2 * len(self._mass)) + 1))


class GrowingLog:
    """After n events there are n / 20 users and n / 50 items to choose from, of items at most 20,000."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._zipf = Zipf(MOST_ITEMS)

    def records(self, begin: int, end: int) -> list[LogRecord]:
        """The events from `begin` to `end`, one in a record; the offset is the event's number."""
        return [
            record for first in range(begin - begin % BLOCK, end, BLOCK) for record in self._block(first, begin, end)
        ]

    def _block(self, first: int, begin: int, end: int) -> Iterator[LogRecord]:
        rng = np.random.default_rng((self._seed, first))
        users = self._zipf.draw(rng, BLOCK, max(FEWEST, first // EVENTS_A_USER)).tolist()
        items = self._zipf.draw(rng, BLOCK, min(MOST_ITEMS, max(FEWEST, first // EVENTS_AN_ITEM))).tolist()
        for place in range(max(begin - first, 0), min(end - first, BLOCK)):
            number = first + place
            yield LogRecord(number, None, click(number, f"u{users[place]}", f"i{items[place]}"))


def click(number: int, user: str, item: str) -> bytes:
    """The event of this number, as it lies in the log."""
    event = Interaction(user, "click", FIRST_MS + APART_MS * number, item, f"e{number}")
    return msgspec.json.encode(event)


def envelopes(partition: int, names: Sequence[str], items: int, events: int) -> Iterator[bytes]:
    """Clicks in envelopes: each user once, in any order, and the rest by users who come back, as Zipf has it."""
    rng, zipf = np.random.default_rng(partition), Zipf()
    order = np.concatenate((np.arange(len(names)), zipf.draw(rng, max(0, events - len(names)), max(1, len(names)))))
    rng.shuffle(order)
    clicked = zipf.draw(rng, len(order), items)
    for begin in range(0, len(order), MAX_ENVELOPE):
        end = min(len(order), begin + MAX_ENVELOPE)
        each = (click(number, names[order[number]], f"i{clicked[number]}") for number in range(begin, end))
        yield b"[" + b",".join(each) + b"]"


def drawn(count: int) -> Vector:
    """Vectors around some centres, float32 [count, DIM], each of length one."""
    rng = np.random.default_rng(3)
    centres = rng.standard_normal((CENTRES, DIM), dtype=np.float32)
    found = centres[rng.integers(CENTRES, size=count)] + rng.standard_normal((count, DIM), dtype=np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def item(number: int) -> bytes:
    """An announcement with a short title, its only text."""
    made = Item(f"i{number}", ANNOUNCED_MS, title=f"A thing called {number}", categories=[f"kind{number % 40}"])
    return msgspec.json.encode(made)
