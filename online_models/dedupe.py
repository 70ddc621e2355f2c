"""Which event ids were accepted lately: a window of exact length that survives restarts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from hashlib import blake2b

DIGEST_BYTES = 16
"""Under so many bytes of its BLAKE2b an id is remembered."""
CHUNK = 4096
"""Ids in one stored chunk: a batch appends to the last one and drops those that left the window."""


def live_chunks(accepted: int, window: int) -> range:
    """Numbers of the stored chunks that hold the last `window` of `accepted` ids."""
    return range(max(0, accepted - window) // CHUNK, -(-accepted // CHUNK))


class DedupeWindow:
    """The last `size` accepted event ids of a partition; the first use of an id wins."""

    def __init__(self, size: int = 100_000) -> None:
        self.size = size
        self.accepted = 0
        self._order: deque[bytes] = deque()
        self._known: set[bytes] = set()
        self._fresh: list[bytes] = []

    def accept(self, event_id: str) -> bool:
        """Is this the first time within the window? If so it is remembered."""
        mark = blake2b(event_id.encode(), digest_size=DIGEST_BYTES).digest()
        if mark in self._known:
            return False
        self._remember(mark)
        self._fresh.append(mark)
        return True

    def take_fresh(self) -> list[bytes]:
        """The fingerprints accepted since the last call, oldest first: what must be stored."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def restore(self, accepted: int, chunks: Iterable[bytes]) -> None:
        """Set the window from its stored chunks, oldest first."""
        marks = b"".join(chunks)
        self.accepted = accepted - len(marks) // DIGEST_BYTES
        for at in range(0, len(marks), DIGEST_BYTES):
            self._remember(marks[at : at + DIGEST_BYTES])

    def _remember(self, mark: bytes) -> None:
        self.accepted += 1
        self._order.append(mark)
        self._known.add(mark)
        if len(self._order) > self.size:
            self._known.discard(self._order.popleft())
