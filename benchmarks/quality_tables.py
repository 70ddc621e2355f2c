"""Runs as a table: Markdown that is aligned for readers of the plain text too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.quality_runs import Run
from benchmarks.quality_streams import Course

MEASURES = ("mrr", "precision", "recall", "f1", "coverage", "diversity", "novelty", "popularity", "gini")
HEAD = (
    "model", "HR@10", "NDCG@10", *(name.upper() if name in {"mrr", "f1"} else name for name in MEASURES),
    "cold items HR", "NDCG", "cold users HR", "NDCG", "HR apart", "NDCG apart", "learn us", "list us",
)  # fmt: skip
COLLABORATIVE = ("item_item", "biased_mf", "funk_mf", "isgd", "bpr", "ease", "als", "vs_knn")
TIE_ERRORS = 2.0
"""Two models tie if they are apart by no more than so many standard errors of the paired difference."""


def section(course: Course, every: int, runs: Sequence[Run], reference: str) -> str:
    """A stream's part of the results: its protocol, and a row for each model."""
    base = next((run for run in runs if run.model == reference), None)
    slices = {name: runs[0].measures[name]["events"] for name in ("cold_items", "cold_users")}
    ranked = f"{course.events} events, 1 in {every} looked at, {runs[0].measures['events']} ranked"
    cold = f"{slices['cold_items']} on cold items, {slices['cold_users']} of cold users"
    out = [f"## {course.name}", "", f"{ranked} ({cold}); {course.told}.", ""]
    if course.best is not None:
        out += [f"Best possible (expected): HR@10 {course.best[0]:.4f}, NDCG@10 {course.best[1]:.4f}.", ""]
    out += _table([HEAD, *(_row(run, base) for run in runs)])
    return "\n".join([*out, "", *(() if base is None else _verdicts(base, runs)), ""])


def _verdicts(base: Run, runs: Sequence[Run]) -> list[str]:
    """How the reference stands: against the best of the others, and against the collaborative ones on cold items."""
    others = [run for run in runs if run is not base]
    said = []
    for name, values in (("HR@10", "hits"), ("NDCG@10", "gains")):
        best = max(others, key=lambda run: float(np.mean(getattr(run, values))), default=None)
        if best is None:
            continue
        mean, error = difference(getattr(base, values), getattr(best, values))
        word = "ties with" if abs(mean) <= TIE_ERRORS * error else "leads" if mean > 0 else "is behind"
        said.append(f"- {name}: {base.model} {word} the best other, {best.model}, by {mean:+.4f} ± {error:.4f}.")
    rivals = [run for run in others if run.model in COLLABORATIVE and run.measures["cold_items"]["hr@10"] is not None]
    if rivals:
        best = max(rivals, key=lambda run: float(run.measures["cold_items"]["hr@10"]))
        mine, theirs = base.measures["cold_items"]["hr@10"], best.measures["cold_items"]["hr@10"]
        ratio = f"{mine / theirs:.1f} times" if theirs else "against"
        said.append(
            f"- Cold items: HR@10 {mine:.4f}, {ratio} the best collaborative one's ({best.model}, {theirs:.4f})."
        )
    return said


def difference(mine: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Mean of the differences of paired values, and its standard error.

    >>> difference([1.0, 0.0, 1.0], [0.0, 0.0, 1.0])
    (0.3333333333333333, 0.3333333333333333)
    """
    apart = np.asarray(mine) - np.asarray(theirs)
    if len(apart) < 2:
        return float(apart.mean()) if len(apart) else 0.0, math.nan
    return float(apart.mean()), float(apart.std(ddof=1) / math.sqrt(len(apart)))


def _row(run: Run, base: Run | None) -> tuple[str, ...]:
    m = run.measures
    cells = [run.model, *(_give(m[f"{name}@10"], m["errors"][f"{name}@10"]) for name in ("hr", "ndcg"))]
    cells += [_give(m[f"{name}@10"]) for name in MEASURES]
    cells += [_give(m[part][f"{name}@10"]) for part in ("cold_items", "cold_users") for name in ("hr", "ndcg")]
    if base is None or base is run:
        cells += ["", ""]
    else:
        cells += [
            f"{mean:+.4f} ± {error:.4f}"
            for mean, error in (difference(run.hits, base.hits), difference(run.gains, base.gains))
        ]
    return (*cells, f"{run.learn_us:.0f}", f"{run.list_us:.0f}")


def _give(value: Any, error: Any = None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if error is None else f"{value:.4f} ± {error:.4f}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        + " |"
        for row in rows
    ]  # fmt: skip
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return [lines[0], rule, *lines[1:]]
