"""How big the simulations are: small ones in CI, bigger ones with QUALITY_LONG=1."""

from __future__ import annotations

import os

LONG = os.environ.get("QUALITY_LONG", "") not in {"", "0"}


def events(small: int, factor: int = 4) -> int:
    """So many events, or `factor` times as many."""
    return small * factor if LONG else small
