"""One model on one stream: its measures, event by event, and what it cost."""

from __future__ import annotations

import time
from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.quality_streams import Course
from coldspring.cli.output import progress
from online_models.base import OnlineRanker
from online_models.registry import make
from recommender.evaluation import Id, Ranked, Report, evaluate, label_similarity

TOLD_EVERY = 100


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it.

    hits, gains: of each ranked event, in order. learn_us, list_us: processor time to learn an event, and to make a
    list, on average.
    """

    model: str
    measures: Mapping[str, Any]
    hits: array[float]
    gains: array[float]
    learn_us: float
    list_us: float

    def line(self) -> str:
        """The run in a few words."""
        figures = f"HR@10 {self.measures['hr@10']:.4f} NDCG@10 {self.measures['ndcg@10']:.4f}"
        return f"{self.model}: {figures}, learn {self.learn_us:.0f} us, list {self.list_us:.0f} us"


class Timed:
    """A model that measures itself, in processor time: what else the machine does is not in it."""

    def __init__(self, model: OnlineRanker) -> None:
        self.model = model
        self.learning = self.listing = 0
        self.learned = self.listed = 0

    def learn_one(self, user: Id, item: Id, y: float, x: Mapping[str, Any] | None = None) -> None:
        start = time.process_time_ns()
        self.model.learn_one(user, item, y, x)
        self.learning += time.process_time_ns() - start
        self.learned += 1

    def scored(self, user: Id, k: int, exclude: Collection[Id] = (), at: int | None = None) -> list[tuple[Id, float]]:
        start = time.process_time_ns()
        found = self.model.scored(user, k, exclude, at)
        self.listing += time.process_time_ns() - start
        self.listed += 1
        return found


def parsed(spec: str) -> OnlineRanker:
    """A model by NAME or NAME:PARAMETER=VALUE,…; values are numbers."""
    name, _, rest = spec.partition(":")
    pairs = (pair.split("=") for pair in rest.split(",") if pair)
    return make(name, **{key: float(value) if "." in value or "e" in value else int(value) for key, value in pairs})


def run(course: Course, spec: str, every: int) -> Run:
    """Evaluate a model on a stream."""
    model = Timed(parsed(spec))
    hits, gains = array("d"), array("d")

    def record(ranked: Ranked) -> None:
        hits.append(float(ranked.place is not None))
        gains.append(ranked.gain)

    with progress(f"{course.name} {spec}", course.events) as show:

        def told(count: int, report: Report) -> None:
            if report.every.events % TOLD_EVERY == 0:
                show(count, f"HR@10 {report.every.hits.value:.4f}")

        report = evaluate(
            model,
            course.feed(model.model),
            every,
            told,
            similarity=label_similarity(course.labels),
            repeats=course.repeats,
            unranked=course.unranked,
            record=record,
        )
    learn_us, list_us = model.learning / max(1, model.learned) / 1e3, model.listing / max(1, model.listed) / 1e3
    return Run(spec, report.as_dict(), hits, gains, learn_us, list_us)
