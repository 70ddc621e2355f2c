"""What a benchmark found: figures beside their bounds, as a table for people and as one line of JSON."""

from __future__ import annotations

import datetime as dt
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from benchmarks.figures import load_average, print_table
from benchmarks.machine import commit, machine


class Figure(msgspec.Struct, frozen=True):
    """One measured value.

    Attributes
    ----------
    name, value, unit
        What it is.
    sense
        Which way is better: "at most" or "at least" the bound.
    bound, goal
        What it must reach, and what we would like; None where it is only told.
    against
        The floor or the peer measured in the same run, with its own value, in words.
    """

    name: str
    value: float
    unit: str
    sense: Literal["at most", "at least"] = "at most"
    bound: float | None = None
    goal: float | None = None
    against: str = ""

    @property
    def met(self) -> bool | None:
        """Does it keep its bound? None without one."""
        if self.bound is None:
            return None
        return self.value <= self.bound if self.sense == "at most" else self.value >= self.bound


class Report(msgspec.Struct, frozen=True):
    """All figures of one benchmark, with what else was seen, and on what machine."""

    benchmark: str
    figures: list[Figure]
    details: dict[str, Any]
    machine: str
    commit: str
    date: str
    load_average: float


def tell(name: str, figures: Sequence[Figure], details: Mapping[str, Any] | None = None) -> None:
    """Print the table, and the line of JSON by which `python -m benchmarks` keeps it."""
    rows = [
        (
            one.name,
            number(one.value),
            one.unit,
            bound_of(one),
            {None: "", True: "yes", False: "no"}[one.met],
            one.against,
        )
        for one in figures
    ]
    print_table(("figure", "measured", "unit", "bound", "met", "against"), rows)
    day = dt.datetime.now().astimezone().date().isoformat()
    report = Report(name, list(figures), dict(details or {}), machine(), commit(), day, load_average())
    print(json.dumps(msgspec.to_builtins(report)), flush=True)


def number(value: float) -> str:
    """Three digits that count.

    >>> number(46_912.3), number(7.126), number(0.0312)
    ('46,912', '7.13', '0.0312')
    """
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def bound_of(one: Figure) -> str:
    """The bound and the goal in words.

    >>> bound_of(Figure("x", 1.0, "us", bound=6.0, goal=5.0)), bound_of(Figure("x", 1.0, "us"))
    ('at most 6 (goal 5)', '')
    """
    if one.bound is None:
        return ""
    return f"{one.sense} {number(one.bound)}" + ("" if one.goal is None else f" (goal {number(one.goal)})")


def alternating(ways: Mapping[str, Callable[[], float]], rounds: int = 5) -> dict[str, list[float]]:
    """What each way gives in each round; they take turns, and change their order every round.

    What the machine does meanwhile then falls on all of them alike.
    """
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name in list(ways)[:: 1 if turn % 2 == 0 else -1]:
            found[name].append(ways[name]())
    return found


def medians(found: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The middle of each way's rounds."""
    return {name: statistics.median(values) for name, values in found.items()}
