"""Playing the ratings: first fast, in envelopes, then slowly so that the page stays alive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from coldspring.backlog import Backlog, Pace
from coldspring.producer import Producer
from recommender.partitioning import partition_of

CHUNK: Final = 400
"""Events sent together; what they announce is sent just before them."""


class Player:
    """Sends lines of the data set (objects with `kind`) in their order.

    Parameters
    ----------
    lines: items and interactions, each item before its first interaction.
    partitions: of items, to count what lies unread in each.
    """

    def __init__(self, lines: Iterator[dict[str, Any]], producer: Producer, backlog: Backlog, partitions: int) -> None:
        self._lines = lines
        self._producer = producer
        self._backlog = backlog
        self._partitions = partitions
        self.events = 0
        self.items = 0
        self.finished = False

    def play(self, events: int, each: Callable[[], None] = lambda: None) -> None:
        """Send so many interactions as fast as the broker's memory allows; `each` after every chunk."""
        end = self.events + events
        while self.events < end and not self.finished:
            self._send(self._chunk(min(CHUNK, end - self.events)))
            self._backlog.wait_for_room()
            each()

    def trickle(self, rate: float, stop: threading.Event) -> None:
        """Send `rate` interactions a second until `stop`, or until the data end."""
        pace = Pace(rate, sleep=lambda seconds: _wait(stop, seconds))
        while not stop.is_set() and not self.finished:
            self._send(self._chunk(1))
            pace.wait()

    def _chunk(self, size: int) -> list[dict[str, Any]]:
        chunk: list[dict[str, Any]] = []
        while len(chunk) < size:
            line = next(self._lines, None)
            if line is None:
                self.finished = True
                break
            line = dict(line)
            if line.pop("kind") == "item":
                self._announce(line)
            else:
                chunk.append(line)
        return chunk

    def _announce(self, item: dict[str, Any]) -> None:
        self._producer.item(**item)
        self.items += 1
        size = sum(len(str(value)) for value in item.values()) + 120
        self._backlog.sent("items", partition_of(item["item_id"], self._partitions), size)

    def _send(self, chunk: list[dict[str, Any]]) -> None:
        if len(chunk) == 1:
            self._producer.interaction(**chunk[0])
        else:
            for partition, size in self._producer.envelopes(chunk):
                self._backlog.sent("interactions", partition, size)
        self.events += len(chunk)


def _wait(stop: threading.Event, seconds: float) -> None:
    stop.wait(seconds)
