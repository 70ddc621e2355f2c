"""An index on disk: the vectors, and a sidecar that says what they are and proves that they are whole.

Only the vectors are kept. They are the truth; a graph is made from them again at 3,000 to 8,000 rows a
second and core, and until it is there a scan answers (7 ms for 20,000 rows of 512 numbers). A
graph's own file would be twice as large, belongs to one version of its library, and a flipped
bit in it ends the process that loads it.

The sidecar is renamed last and names its data file by the data's SHA-256, so that the two always belong together:
after a kill at any point the folder holds the old pair or the new one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from embedding_worker.vector_index import VectorIndex

SIDECAR: Final = "index.json"
_VERSION: Final = 1


class SnapshotRefusedError(ValueError):
    """A snapshot that is not there, not whole, or of another space; the message says which."""


class Sidecar(msgspec.Struct, frozen=True):
    """What a snapshot is. positions: the next offset of each partition of `item-vectors`."""

    version: int
    file: str
    sha256: str
    model: str
    space: str
    dim: int
    count: int
    positions: dict[int, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was loaded: ids, vectors float16 [n, dim] oldest first, and where each partition goes on."""

    sidecar: Sidecar
    ids: list[str]
    vectors: NDArray[np.float16]

    @property
    def positions(self) -> dict[int, int]:
        """The next offset of each partition of `item-vectors`."""
        return self.sidecar.positions

    def fill(self, index: VectorIndex) -> None:
        """Put every vector into an index."""
        index.put_many(zip(self.ids, self.vectors, strict=True))


def save(
    folder: Path,
    index: VectorIndex,
    model: str,
    space: str,
    positions: Mapping[int, int],
    reached: Callable[[str], None] = lambda _: None,
) -> Sidecar:
    """Write a snapshot; the one before it stays whole until this one is.

    `positions` must have been read before this call: what the index has beyond them comes again
    and changes nothing. `reached` is told each step by name, for tests. Raises `OSError` (a full disk, say) and leaves
    no temporary file behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".index*.tmp"):
        leftover.unlink(missing_ok=True)
    ids, vectors = index.export()
    names = np.frombuffer(msgspec.json.encode(ids), np.uint8)
    data = save_tensors({"vectors": np.ascontiguousarray(vectors), "ids": names})
    digest = hashlib.sha256(data).hexdigest()
    sidecar = Sidecar(
        _VERSION, f"index-{digest[:16]}.safetensors", digest, model, space, index.dim, len(ids), dict(positions)
    )
    _replace(folder / sidecar.file, data, lambda step: reached(f"index.data.{step}"))
    _replace(folder / SIDECAR, msgspec.json.encode(sidecar), lambda step: reached(f"index.sidecar.{step}"))
    for other in folder.glob("index-*.safetensors"):
        if other.name != sidecar.file:
            other.unlink(missing_ok=True)
    return sidecar


def load(folder: Path, space: str, dim: int) -> Snapshot:
    """The snapshot in a folder, checked before anything of it is used.

    Raises
    ------
    SnapshotRefusedError
        If there is none, or it is not whole, or it is of another space or width.
    """
    sidecar = _sidecar(folder)
    if (sidecar.space, sidecar.dim) != (space, dim):
        raise SnapshotRefusedError(
            f"the snapshot is of space {sidecar.space[:40]!r} ({sidecar.dim} numbers), wanted is {space!r} ({dim})"
        )
    if Path(sidecar.file).name != sidecar.file:
        raise SnapshotRefusedError("the sidecar names a file outside its folder")
    try:
        data = (folder / sidecar.file).read_bytes()
    except OSError as error:
        raise SnapshotRefusedError(f"the data file can't be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sidecar.sha256:
        raise SnapshotRefusedError("the data file does not have the sidecar's checksum")
    try:
        tensors = load_tensors(data)
        ids = msgspec.json.decode(tensors["ids"].tobytes(), type=list[str])
        vectors = tensors["vectors"]
    except (SafetensorError, KeyError, ValueError) as error:
        raise SnapshotRefusedError(f"the data file can't be understood: {error}") from error
    if vectors.dtype != np.float16 or vectors.shape != (sidecar.count, dim) or len(ids) != sidecar.count:
        raise SnapshotRefusedError(f"{vectors.dtype} {vectors.shape} and {len(ids)} ids are not what the sidecar says")
    if not np.isfinite(vectors).all():
        raise SnapshotRefusedError("the vectors are not finite")
    return Snapshot(sidecar, ids, vectors)


def _sidecar(folder: Path) -> Sidecar:
    try:
        sidecar = msgspec.json.decode((folder / SIDECAR).read_bytes(), type=Sidecar)
    except FileNotFoundError:
        raise SnapshotRefusedError("there is no snapshot") from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotRefusedError(f"the sidecar can't be read: {error}") from error
    if sidecar.version != _VERSION:
        raise SnapshotRefusedError(f"the snapshot is of version {sidecar.version}, known is {_VERSION}")
    return sidecar


def _replace(path: Path, data: bytes, reached: Callable[[str], None]) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            reached("written")
            os.fsync(file.fileno())
        reached("synced")
        temporary.replace(path)
        reached("renamed")
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
