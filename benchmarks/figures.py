"""Percentiles, and tables for people."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence


def spread(values_s: Sequence[float]) -> dict[str, float]:
    """Milliseconds at p50, p99 (nearest rank) and the maximum, of durations in seconds.

    >>> spread([0.001, 0.002, 0.003])
    {'p50': 2.0, 'p99': 3.0, 'max': 3.0}
    """
    if not values_s:
        return {"p50": math.nan, "p99": math.nan, "max": math.nan}
    ordered = sorted(1000.0 * value for value in values_s)
    ranks = {"p50": 0.50, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 1) for name, share in ranks.items()}


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as they need to be; all but the first to the right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        first, *rest = row
        print(
            "  ".join(
                [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
            )
        )


def load_average() -> float:
    """Of the last minute: above the number of cores, others had their share of the machine."""
    return round(os.getloadavg()[0], 1)
