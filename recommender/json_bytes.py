"""Raw JSON before it is decoded: is it UTF-8, how deep does it nest, and where do an array's elements lie. Pure.

A decoder gives up on nested JSON where its stack ends, which depends on who called it: the same event would be learned
by one process and refused by another. So the depth is counted here, and the limit is far below any stack's.

>>> check_text(b"[" * 100)
Traceback (most recent call last):
...
recommender.reasons.BadEventError: too_deep: nested 100 deep, at most 64 is accepted
>>> elements(b'[{"a": 1}, NaN, "x,]"]', most=500)
[b'{"a": 1}', b'NaN', b'"x,]"']
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from recommender.reasons import BadEventError

MAX_DEPTH: Final = 64
BLANKS: Final = b" \t\r\n"
"""What JSON takes for white space."""

# The end of a string is optional and nothing is given back, so that the time is linear in whatever comes.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STEPS: Final = bytes(1 if byte in b"[{" else 255 if byte in b"]}" else 0 for byte in range(256))


def check_text(value: bytes) -> None:
    """Look at JSON from the outside.

    Raises
    ------
    BadEventError
        `not_json` for what is not UTF-8, `too_deep` for more than 64 brackets inside each other.
    """
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise BadEventError("not_json", f"not UTF-8 at byte {error.start}") from None
    if value.count(b"[") + value.count(b"{") > MAX_DEPTH:
        deepest = int(_depths(_STRING.sub(b"", value)).max(initial=0))  # nothing is left of what is one string
        if deepest > MAX_DEPTH:
            raise BadEventError("too_deep", f"nested {deepest} deep, at most {MAX_DEPTH} is accepted")


def elements(value: bytes, most: int) -> list[bytes] | None:
    """The elements of a JSON array cut at its commas, none of them looked into; None if its brackets do not match.

    For arrays that no decoder takes because of one of their elements: the others can still be read.

    Raises
    ------
    BadEventError
        `too_large` for more than `most` elements.
    """
    value = value.strip(BLANKS)
    flat = _STRING.sub(lambda string: b" " * len(string[0]), value)
    depths = _depths(flat)
    if not flat.startswith(b"[") or not flat.endswith(b"]") or depths[-1] != 0 or depths[:-1].min() < 1:
        return None
    if not flat[1:-1].strip(BLANKS) and not value[1:-1].strip(BLANKS):
        return []
    commas = np.flatnonzero((np.frombuffer(flat, np.uint8) == ord(",")) & (depths == 1))
    if len(commas) >= most:
        raise BadEventError("too_large", f"at most {most} elements are accepted, got {len(commas) + 1}")
    cuts = [0, *commas.tolist(), len(value) - 1]
    return [value[begin + 1 : end].strip(BLANKS) for begin, end in pairwise(cuts)]


def _depths(flat: bytes) -> npt.NDArray[np.int32]:
    """How many brackets are open after each byte, [len(flat)]; strings have been taken out."""
    return np.cumsum(np.frombuffer(flat.translate(_STEPS), np.int8), dtype=np.int32)
