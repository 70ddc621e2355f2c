"""Who leaves when a partition has too many users: first in, first out, with a second chance for who came back.

Each entry tells how many interactions the user had when it was made, so that it shows whether they did anything since
(the clock of Corbató's page replacement, as a queue).

>>> queue = UserQueue(["1 u1", "1 u2"])
>>> queue.push("u3", 1); queue.pop(); queue.remove("u2")
('u1', 1)
>>> list(queue), queue.take_changes()
(['1 u3'], QueueChanges(removed=['1 u2'], pushed=['1 u3'], popped=1))
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice


@dataclass(slots=True)
class QueueChanges:
    """What a store does to its list, in this order: take `removed` out, append `pushed`, drop the first `popped`."""

    removed: list[str] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    popped: int = 0


class UserQueue:
    """The users of a partition, each once, in the order in which they came or were last given a second chance."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._entries = deque(entries)
        self._changes = QueueChanges()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def front(self, count: int) -> list[str]:
        """The users who are looked at next."""
        return [entry.partition(" ")[2] for entry in islice(self._entries, count)]

    def push(self, user_id: str, total: int) -> None:
        """A user with so many interactions comes, at the end."""
        entry = f"{total} {user_id}"
        self._entries.append(entry)
        self._changes.pushed.append(entry)

    def pop(self) -> tuple[str, int]:
        """The first one leaves; how many interactions they had when they came."""
        self._changes.popped += 1
        total, _, user_id = self._entries.popleft().partition(" ")
        return user_id, int(total)

    def remove(self, user_id: str) -> None:
        """A user is taken out, wherever they stand; takes time in proportion to the queue.

        Whoever is not there is out already: a worker whose store was changed under it reads users that its queue does
        not know, and its write is refused.
        """
        entry = next((entry for entry in self._entries if entry.partition(" ")[2] == user_id), None)
        if entry is None:
            return
        self._entries.remove(entry)
        pushed = self._changes.pushed
        if entry in pushed:
            # Where it was pushed twice, the earlier one was popped again.
            del pushed[len(pushed) - 1 - pushed[::-1].index(entry)]
        else:
            self._changes.removed.append(entry)

    def take_changes(self) -> QueueChanges:
        """What changed since the last call."""
        changes, self._changes = self._changes, QueueChanges()
        return changes
