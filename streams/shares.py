"""A share of all events, chosen by their ids: never by load, by order or by chance.

>>> sum(share_of(f"e{n}") < 0.25 for n in range(1_000))
244
"""

from __future__ import annotations

import hashlib


def share_of(identity: str) -> float:
    """A number in [0, 1) that only the identity decides."""
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "little") / 2**64
