"""A stretch of one partition's log and when it passed each stage: what `coldspring trace` reads and the worker writes.

>>> passage = Passage("interactions", 10, 12, 2, published=1_000, newest=1_004, read=1_010, learned=1_012, stored=1_020)
>>> decode_passage(encode_passage(passage)) == passage, passage.holds("interactions", 11)
(True, True)
"""

from __future__ import annotations

import hashlib

import msgspec

STAGES = ("published", "read", "learned", "stored")
KEPT = 2_000
"""Stretches kept of a partition, the newest ones."""


class Passage(msgspec.Struct, frozen=True, array_like=True):
    """Records `begin` to `next` - 1 of a topic's partition, and times in ms of the wall clock.

    published, newest: the timestamps of the first and the last record, as Kafka has them; read: taken in hand by the
    worker; learned: folded; stored: written with the position, so that every answer includes it. Of stretches that were
    joined, each is the latest time.
    """

    topic: str
    begin: int
    next: int
    records: int
    published: int
    newest: int
    read: int
    learned: int
    stored: int

    def holds(self, topic: str, offset: int) -> bool:
        """Is a record in this stretch?"""
        return topic == self.topic and self.begin <= offset < self.next

    def joined(self, later: Passage) -> Passage:
        """This stretch and the one that follows it as one."""
        return Passage(
            self.topic, self.begin, later.next, self.records + later.records, self.published,
            max(self.newest, later.newest), later.read, later.learned, later.stored,
        )  # fmt: skip


_PASSAGE = msgspec.json.Decoder(Passage)


def encode_passage(passage: Passage) -> bytes:
    """As it is kept in Redis."""
    return msgspec.json.encode(passage)


def decode_passage(data: bytes) -> Passage:
    """As it was kept; raises msgspec.DecodeError."""
    return _PASSAGE.decode(data)


def trace_id(identity: str) -> str:
    """The OpenTelemetry trace of an event or item: 32 hex digits that every process makes from the id alone.

    >>> len(trace_id("e1")), trace_id("e1") == trace_id("e1")
    (32, True)
    """
    return hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()
