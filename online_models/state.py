"""A model's state as plain values, and as bytes that need no pickle.

>>> unpack(pack({"name": "a", "rows": np.zeros(2)}))
{'rows': array([0., 0.]), 'name': 'a'}
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

State = dict[str, Any]
"""By name: NumPy arrays (numbers only) and values that JSON can hold."""

VALUES = "values.json"
"""The archive's entry for all that is no array; array names end otherwise."""


def pack(state: Mapping[str, Any]) -> bytes:
    """The bytes of an .npz archive: the arrays, and one entry with the other values as JSON.

    Raises
    ------
    TypeError
        If a value is neither an array of numbers nor fit for JSON.
    """
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name} holds objects; only numbers can be kept")
    values = {name: value for name, value in state.items() if name not in arrays}
    text = json.dumps(values, ensure_ascii=False, sort_keys=True, allow_nan=False)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **{VALUES: np.frombuffer(text.encode(), np.uint8), **arrays})
    return file.getvalue()


def unpack(data: bytes) -> State:
    """The state that `pack` wrote; raises ValueError if `data` is no such archive."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            state: State = {name: archive[name] for name in archive.files if name != VALUES}
            state.update(json.loads(archive[VALUES].tobytes()))
    except (OSError, KeyError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"not a saved state: {error}") from None
    return state


def nested(prefix: str, state: Mapping[str, Any]) -> State:
    """`state` under `prefix.`, to be kept inside another."""
    return {f"{prefix}.{name}": value for name, value in state.items()}


def part(prefix: str, state: Mapping[str, Any]) -> State:
    """What `nested` put under `prefix`."""
    return {name[len(prefix) + 1 :]: value for name, value in state.items() if name.startswith(f"{prefix}.")}
