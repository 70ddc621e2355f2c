"""Durations as counts by upper bound, as Prometheus has them.

>>> durations = Durations((0.1, 1.0)); durations.add([0.05, 0.1, 0.5, 7.0]); durations.as_dict()["counts"]
[2, 1, 1]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LONGEST_S: Final = 3600.0
"""A replayed or mistimed record says nothing of how long anything took."""


class Durations:
    """Counts durations in seconds; those below 0 or of an hour and more are left out."""

    def __init__(self, bounds: Sequence[float] = BOUNDS_S) -> None:
        self._bounds = np.array(bounds)
        self._counts = np.zeros(len(bounds) + 1, np.int64)
        self._sum = 0.0

    def add(self, seconds: npt.ArrayLike, times: int = 1) -> None:
        """Count one or more durations, each so many times."""
        seconds = np.atleast_1d(np.asarray(seconds, np.float64))
        good = seconds[(seconds >= 0.0) & (seconds < LONGEST_S)]
        places = np.searchsorted(self._bounds, good, "left")
        self._counts += times * np.bincount(places, minlength=len(self._counts))
        self._sum += times * float(good.sum())

    def as_dict(self) -> dict[str, Any]:
        """bounds, counts (one more than bounds: what lies above them all), sum (s)."""
        return {"bounds": self._bounds.tolist(), "counts": self._counts.tolist(), "sum": round(self._sum, 6)}
