"""Who was forgotten, and up to when: kept under a keyed hash, so that the list itself names nobody.

The key lies outside the store. Who holds the store alone can't tell, not even by trying ids, who was forgotten;
who holds the key can tell whether an event is one of them.

>>> forgotten = Tombstones(b"a secret of at least 16 bytes")
>>> forgotten.bury("u1", 1000)
True
>>> forgotten.until("u1"), forgotten.until("u2")
(1000, 0)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

KEY_BYTES = 16
"""A key has at least so many bytes."""


class Tombstones:
    """Event times in ms up to which users were forgotten, by keyed hash (BLAKE2b, 16 bytes).

    Raises
    ------
    ValueError
        When the key is too short.
    """

    def __init__(self, key: bytes, stored: Mapping[bytes, int] | None = None) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, at least {KEY_BYTES} are needed")
        self._key = hashlib.blake2b(key, digest_size=32).digest()
        self.table: dict[bytes, int] = dict(stored or {})

    @property
    def key_id(self) -> str:
        """Tells two keys apart, and tells nothing about either."""
        return hashlib.blake2b(b"which key", key=self._key, digest_size=8).hexdigest()

    def name(self, user_id: str) -> bytes:
        """What stands for a user in the table."""
        return hashlib.blake2b(user_id.encode(), key=self._key, digest_size=16).digest()

    def until(self, user_id: str) -> int:
        """The event time up to which this user's events are ignored; 0 for who was never forgotten."""
        return self.table.get(self.name(user_id), 0) if self.table else 0

    def bury(self, user_id: str, until: int) -> bool:
        """Remember a forget; False where a later one is known."""
        name = self.name(user_id)
        if self.table.get(name, 0) >= until:
            return False
        self.table[name] = until
        return True
