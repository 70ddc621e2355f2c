"""Item vectors: their bytes, their space, their mean. numpy only.

An item vector travels on `item-vectors` as little-endian bytes with headers (contract section 1) and rests in Redis as
float16.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float32]

_DTYPES: Final[dict[str, np.dtype[np.generic]]] = {"f32": np.dtype("<f4"), "f16": np.dtype("<f2")}
_MAX_DIM: Final = 65_535
_STORED: Final = struct.Struct("<qq8s")


class BadVectorError(ValueError):
    """A vector that must not enter an index: wrong width, not finite, zero, or of another space."""


def check_vector(vector: ArrayLike, dim: int | None = None) -> Vector:
    """`vector` as float32 [dim] of length one.

    One that is of length one but for float16's rounding stays as it is, so that a vector keeps
    its bits on the way over topic, Redis, index and snapshot.

    Raises
    ------
    BadVectorError
        If it has another width, holds NaN or an infinity, or is zero.
    """
    checked = np.asarray(vector, dtype=np.float32)
    if checked.ndim != 1 or not checked.size:
        raise BadVectorError(f"a vector has one dimension, got shape {checked.shape}")
    if dim is not None and checked.size != dim:
        raise BadVectorError(f"{checked.size} numbers, the space has {dim}")
    norm = float(np.sqrt(np.dot(checked.astype(np.float64), checked.astype(np.float64))))
    if not np.isfinite(norm):
        raise BadVectorError("the vector is not finite")
    if norm < 1e-6:
        raise BadVectorError("the vector is zero")
    return checked if abs(norm - 1.0) < 6e-4 else (checked / np.float32(norm)).astype(np.float32)


def space_id(model: str, weights: str, dim: int, max_length: int) -> str:
    """The identity of a vector space: only vectors of one space may be compared.

    `weights` is a revision or a hash of the weights, `max_length` where texts are cut.

    >>> space_id("m", "abc", 512, 256) == space_id("m", "abc", 512, 128)
    False
    """
    text = "\x00".join((model, weights, str(dim), str(max_length)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ItemVector:
    """One record of `item-vectors`.

    model is readable, space decides what may be compared (`space_id`; for foreign records
    without that header, the model's name). offset is the one of the item's record on `items`,
    -1 where unknown: of two vectors of one item the one with the later offset counts.
    """

    vector: Vector
    model: str
    space: str
    offset: int = -1

    def encode(self, dtype: str = "f16") -> tuple[bytes, list[tuple[str, bytes]]]:
        """Value and headers of the record; dtype is f32 or f16."""
        headers = [
            ("model", self.model.encode()),
            ("dim", str(self.vector.size).encode()),
            ("dtype", dtype.encode()),
            ("space", self.space.encode()),
            ("offset", str(self.offset).encode()),
        ]
        return self.vector.astype(_DTYPES[dtype]).tobytes(), headers


def decode_item_vector(value: bytes, headers: Iterable[tuple[str, bytes]], dim: int | None = None) -> ItemVector:
    """The vector of a record of `item-vectors`; `dim` is the width that is expected, if one is.

    Raises
    ------
    BadVectorError
        If a header is missing or wrong, the width differs, or the vector is zero or not finite.
    """
    known = {name: bytes(text or b"").decode("utf-8", "replace") for name, text in headers}
    dtype = known.get("dtype", "")
    if dtype not in _DTYPES:
        raise BadVectorError(f"header dtype is {dtype[:20]!r}, one of f32, f16 is accepted")
    width, offset = _integer(known, "dim"), _integer({"offset": "-1", **known}, "offset")
    if not 1 <= width <= _MAX_DIM or len(value) != width * _DTYPES[dtype].itemsize:
        raise BadVectorError(f"{len(value)} bytes are not {width} numbers of {dtype}")
    model = known.get("model", "")
    if not model:
        raise BadVectorError("header model is missing")
    vector = check_vector(np.frombuffer(value, dtype=_DTYPES[dtype]).astype(np.float32), dim)
    return ItemVector(vector, model, known.get("space") or model, offset)


def _integer(headers: Mapping[str, str], name: str) -> int:
    try:
        return int(headers[name][:20])
    except (KeyError, ValueError):
        raise BadVectorError(f"header {name} is not an integer") from None


@dataclass(frozen=True, slots=True)
class StoredVector:
    """An item vector as Redis holds it: float16, 24 bytes of provenance before it.

    offset: of the item's record on `items`; encoded_ms: when it was encoded (wall clock, ms);
    text_hash: of the text that was encoded, so that an unchanged item is not encoded again.
    """

    vector: Vector
    offset: int
    encoded_ms: int
    text_hash: bytes

    def encode(self) -> bytes:
        """The bytes for Redis."""
        return _STORED.pack(self.offset, self.encoded_ms, self.text_hash) + self.vector.astype("<f2").tobytes()


def decode_stored(value: bytes, dim: int | None = None) -> StoredVector:
    """The reverse of `StoredVector.encode`; raises `BadVectorError`."""
    if len(value) < _STORED.size + 2 or (len(value) - _STORED.size) % 2:
        raise BadVectorError(f"{len(value)} bytes are no stored vector")
    offset, encoded_ms, text_hash = _STORED.unpack_from(value)
    numbers = np.frombuffer(value, dtype="<f2", offset=_STORED.size).astype(np.float32)
    return StoredVector(check_vector(numbers, dim), offset, encoded_ms, text_hash)


def text_hash(text: str) -> bytes:
    """8 bytes that tell whether an item's text changed."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


class RunningMean:
    """The mean of a changing set of vectors: a sum in float64 and a count.

    >>> mean = RunningMean(2); mean.add(np.array([1, 3])); mean.add(np.array([3, 3])); mean.value.tolist()
    [2.0, 3.0]
    """

    def __init__(self, dim: int) -> None:
        self.count = 0
        self._sum: NDArray[np.float64] = np.zeros(dim, np.float64)

    def add(self, vector: ArrayLike) -> None:
        """One vector joins."""
        self._sum += np.asarray(vector, np.float64)
        self.count += 1

    def add_all(self, vectors: ArrayLike) -> None:
        """The rows of [n, dim] join."""
        matrix = np.asarray(vectors, np.float64)
        self._sum += matrix.sum(axis=0)
        self.count += len(matrix)

    def remove(self, vector: ArrayLike) -> None:
        """One vector, added before, leaves."""
        self.count -= 1
        self._sum -= np.asarray(vector, np.float64)
        if not self.count:
            self._sum[:] = 0.0

    def replace(self, old: ArrayLike, new: ArrayLike) -> None:
        """One vector takes the place of another."""
        self._sum += np.asarray(new, np.float64) - np.asarray(old, np.float64)

    @property
    def value(self) -> Vector:
        """The mean, float32 [dim]; zeros while the set is empty."""
        return (self._sum / max(1, self.count)).astype(np.float32)
