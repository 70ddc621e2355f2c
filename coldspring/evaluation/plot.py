"""The moving windows of an evaluation as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from coldspring.errors import CommandError

WIDTH_IN, HEIGHT_IN, DOTS_PER_IN = 9.0, 6.0, 120


def check() -> None:
    """Raises CommandError where there is nothing to draw with."""
    if find_spec("matplotlib") is None:
        raise CommandError("a plot needs matplotlib: pip install 'coldspring[plot]'")


def draw(found: Mapping[str, Any], k: int, path: Path) -> None:
    """Write a PNG: HR, NDCG and MRR in moving windows above, HR of the cold slices below.

    Raises
    ------
    CommandError: when the file can't be written.
    """
    from matplotlib.figure import Figure

    points = found["windows"]
    events = [point["event"] for point in points]
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for axes, names in ((above, ("hr", "ndcg", "mrr")), (below, ("cold_items_hr", "cold_users_hr"))):
        for name in names:
            values = [point[f"{name}@{k}"] for point in points]
            axes.plot(events, [float("nan") if v is None else v for v in values], label=f"{name}@{k}", marker=".")
        axes.set_ylim(bottom=0.0)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc="best")
    ranked = max((point["ranked"] for point in points), default=0)
    above.set_title(f"{found['model']}: means over the last {ranked} ranked events")
    below.set_xlabel("events")
    try:
        figure.savefig(path, format="png", dpi=DOTS_PER_IN)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from None
