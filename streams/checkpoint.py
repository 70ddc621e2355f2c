"""Checkpoints: the exact state of one partition at a position, in a file, so that a fold need not begin at offset 0.

They are a convenience: a checkpoint that is missing, torn, flipped or of another log, other settings or another format
is not used, and the log is folded from its beginning. One made before the partition's latest forget is not used
either, and removed: it may hold what was forgotten.

    magic (8 bytes) | SHA-256 of the rest (32) | msgpack
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from recommender.head import FORMAT, decode_user_head
from streams.files import write_whole
from streams.memory_store import MemoryUserStore

logger = logging.getLogger(__name__)

MAGIC: Final = b"CSCHECK1"
"""Its last character is the format's version."""

SHARES: Final = (1.0, 0.875, 0.75, 0.5)
"""Where the kept ones lie, as shares of the newest position: dense near the end, where most questions are asked."""

_NAME: Final = re.compile(r"u(\d+)-(\d+)\.checkpoint")


class Identity(msgspec.Struct, frozen=True):
    """Whose state it is: the log, the partition, and a name for all settings that the fold depends on."""

    log: str
    partition: int
    settings: str


class Checkpoint(msgspec.Struct, frozen=True):
    """The state at `position`, the next offset of `interactions`, without anything of those forgotten before `forgets`.

    Who was forgotten, and the profiles, are not in it: both are read as of now.
    """

    identity: Identity
    position: int
    forgets: int
    head: bytes
    names: list[str]
    users: dict[str, bytes]
    stats: dict[int, bytes]
    rows: dict[int, bytes]
    queue: list[str]
    chunks: dict[int, bytes]
    state_format: int = FORMAT

    @classmethod
    def of(cls, identity: Identity, forgets: int, store: MemoryUserStore) -> Checkpoint:
        """The state in a store."""
        head = decode_user_head(store.head)
        chunks = {number: bytes(data) for number, data in store.chunks.items()}
        position = head.next.get("interactions", 0)
        return cls(
            identity, position, forgets, store.head or b"", store.names, store.users, store.stats, store.rows,
            store.queue, chunks,
        )  # fmt: skip

    def fill(self, store: MemoryUserStore) -> None:
        """Put the state into an empty store. Who was forgotten has to be put beside it by the caller."""
        head = decode_user_head(self.head)
        head = msgspec.structs.replace(head, next={"interactions": self.position}, unlearned=0, forget_key="")
        store.head = msgspec.json.encode(head)
        store.names, store.queue = list(self.names), list(self.queue)
        store.users, store.stats, store.rows = dict(self.users), dict(self.stats), dict(self.rows)
        store.chunks = {number: bytearray(data) for number, data in self.chunks.items()}


_DECODER: Final = msgspec.msgpack.Decoder(Checkpoint)


class Checkpoints:
    """The checkpoints in a folder; at most four a partition are kept.

    Parameters
    ----------
    folder: made when the first one is written.
    log, settings: see `Identity`; checkpoints of others are passed over.
    """

    def __init__(self, folder: Path, log: str, settings: str) -> None:
        self._folder = folder
        self._log = log
        self._settings = settings

    def identity(self, partition: int) -> Identity:
        """Of the checkpoints that fit."""
        return Identity(self._log, partition, self._settings)

    def save(self, forgets: int, partition: int, store: MemoryUserStore) -> Path:
        """Write the state in a store, and remove what is one too many.

        Parameters
        ----------
        forgets: next offset of the partition's forgets that the state honours.

        Raises
        ------
        OSError: when the disk does not take it; what was there stays.
        """
        checkpoint = Checkpoint.of(self.identity(partition), forgets, store)
        payload = msgspec.msgpack.encode(checkpoint)
        path = self._folder / f"u{partition}-{checkpoint.position:020d}.checkpoint"
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, MAGIC + hashlib.sha256(payload).digest() + payload)
        held = self.positions(partition)
        for position in set(held) - set(worth_keeping(held)):
            self._path(partition, position).unlink(missing_ok=True)
        return path

    def nearest(self, partition: int, position: int, forgets: int) -> Checkpoint | None:
        """The latest good one at or before a position, of a state that honours every forget before `forgets`."""
        for at in reversed(self.positions(partition)):
            if at > position:
                continue
            try:
                found = read(self._path(partition, at))
            except (OSError, ValueError) as error:
                logger.warning("the checkpoint of partition %d at %d is not used: %s", partition, at, error)
                continue
            if found.identity != self.identity(partition) or found.state_format != FORMAT:
                continue
            if found.forgets < forgets:
                self.drop(partition)
                return None
            return found
        return None

    def positions(self, partition: int) -> list[int]:
        """Where there are any, in order."""
        found = (_NAME.fullmatch(file.name) for file in self._folder.glob(f"u{partition}-*.checkpoint"))
        return sorted(int(match[2]) for match in found if match)

    def files(self, partition: int) -> list[Path]:
        """The files of a partition."""
        return [self._path(partition, position) for position in self.positions(partition)]

    def drop(self, partition: int) -> None:
        """Remove all of a partition: somebody was forgotten, and they may hold what that one did."""
        for file in self._folder.glob(f"u{partition}-*.checkpoint*"):
            file.unlink(missing_ok=True)

    def _path(self, partition: int, position: int) -> Path:
        return self._folder / f"u{partition}-{position:020d}.checkpoint"


def drop_checkpoints(folder: Path, partition: int) -> None:
    """Remove every checkpoint of a partition, whatever its log and settings: somebody in it was forgotten."""
    Checkpoints(folder, "", "").drop(partition)


def read(path: Path) -> Checkpoint:
    """The checkpoint in a file.

    Raises
    ------
    OSError: when it can't be read.
    ValueError: when it is not whole, or of another format.
    """
    data = path.read_bytes()
    magic, sha256, payload = data[: len(MAGIC)], data[len(MAGIC) : len(MAGIC) + 32], data[len(MAGIC) + 32 :]
    if magic != MAGIC:
        raise ValueError("it is no checkpoint of this version")
    if hashlib.sha256(payload).digest() != sha256:
        raise ValueError("its SHA-256 does not fit")
    return _DECODER.decode(payload)


def worth_keeping(positions: Sequence[int]) -> list[int]:
    """The few of some positions that lie nearest below certain shares of the last one.

    >>> worth_keeping([100, 200, 300, 400, 500, 600, 700, 800])
    [400, 600, 700, 800]
    """
    last = positions[-1] if positions else 0
    wanted = (max((at for at in positions if at <= share * last), default=None) for share in SHARES)
    return sorted({at for at in wanted if at is not None})
