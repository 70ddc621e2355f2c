"""The index of item vectors: how soon a vector is found, how many of the nearest are, how fast, beside two others.

    python -m benchmarks.index [--items 50000] [--adds 1000] [--queries 1000] [--mixed 300] [--rounds 5]

Vectors as crowded as the default encoder's (`benchmarks.clustered`). The index is filled as a serving process fills
it, through `Spaces`, at the product's own settings; usearch (as float32, and as bf16, its own default here) and faiss
have the same M and ef_construction. Everything is on one thread, the linear algebra's too.

`add to searchable` runs from `put` of one vector until a search for it finds it, that search included, one vector
each 4 ms, while the graph takes rows in aside as in a serving process. Recall is the share of the ten nearest by an
exact scan of all vectors in float32. For each peer the smallest search effort is looked for that reaches our recall
(or its own best, if that is less; the ratio has no bound then); then all take turns at the same work, one new vector
for ten questions, on one thread: there we do the graph's work after each vector, on that thread too. Building is
measured once each; memory is how much the process grew by it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.clustered import DIM, Clusters
from benchmarks.index_measures import (
    Added,
    Built,
    Mixed,
    World,
    build,
    effort_for,
    exact,
    recall,
    scan,
    searchable,
    still,
)
from benchmarks.index_peers import FaissPeer, Ours, Searched, UsearchPeer
from benchmarks.report import Figure, alternating, medians, tell
from embedding_worker.graph import EF, EF_CONSTRUCTION, M

OURS = "ours"


@dataclass(frozen=True, slots=True)
class Measured:
    """Of every index, by name. recall, later: before and after the mixed work; mixed, quiet: questions a second."""

    built: dict[str, Built]
    effort: dict[str, int]
    recall: dict[str, float]
    later: dict[str, float]
    mixed: dict[str, list[float]]
    quiet: dict[str, float]
    added: dict[str, Added]
    scan_per_s: float


def peers(dim: int) -> Mapping[str, Callable[[], Searched]]:
    return {
        "usearch": partial(UsearchPeer, dim, "f32"),
        "usearch bf16": partial(UsearchPeer, dim, "bf16"),
        "faiss": partial(FaissPeer, dim),
    }


def measure(world: World, rounds: int, share: int) -> Measured:
    """Build, tune, and take turns."""
    truth = exact(world.base, world.queries)
    ours = Ours(world.base.shape[1])
    indexes: dict[str, Searched] = {OURS: ours}
    built = {OURS: build(ours, world.base)}
    for name, make in peers(world.base.shape[1]).items():
        indexes[name] = make()
        built[name] = build(indexes[name], world.base)
    effort, reached = {OURS: EF}, {OURS: recall(ours, world.queries, truth)}
    for name in peers(1):
        effort[name], reached[name] = effort_for(indexes[name], reached[OURS], world.queries, truth)
    ways = {name: partial(still, one, world.queries) for name, one in indexes.items()}
    quiet = medians(alternating({**ways, "": partial(scan, world.base, world.queries[:100])}, rounds))
    works = {name: Mixed(one, len(world.base), share, world) for name, one in indexes.items()}
    mixed = alternating(works, rounds)
    whole = np.concatenate((world.base, world.mixed))
    truth = exact(whole, world.queries)
    later = {name: recall(one, world.queries, truth) for name, one in indexes.items()}
    added = {name: searchable(indexes[name], len(whole), world.added) for name in peers(1)}
    with ours.upkeep():
        added[OURS] = searchable(ours, len(whole), world.added)
    return Measured(built, effort, reached, later, mixed, quiet, added, quiet.pop(""))


def figures(found: Measured) -> list[Figure]:
    """The bounds' figures first."""
    names = [name for name in found.built if name != OURS]
    adds = {
        name: (1_000.0 * np.percentile(one.found, 50), 1_000.0 * np.percentile(one.found, 99))
        for name, one in found.added.items()
    }

    def beside(value: Callable[[str], str]) -> str:
        return ", ".join(f"{name} {value(name)}" for name in names)

    p50, p99 = (beside(lambda name, at=at: f"{adds[name][at]:.3f} ms") for at in (0, 1))  # type: ignore[misc]
    rate = medians(found.mixed)
    return [
        Figure("add to searchable, p50", float(adds[OURS][0]), "ms", bound=1.0, against=p50),
        Figure("add to searchable, p99", float(adds[OURS][1]), "ms", bound=1.0, against=p99),
        Figure("recall@10", found.recall[OURS], "", "at least", 0.98, against="the exact scan: 1"),
        *(
            Figure(
                f"questions while vectors come in, times {name}", rate[OURS] / rate[name], "times", "at least",
                # One that cannot reach our recall does other work: its ratio is only told.
                2.0 if found.recall[name] >= found.recall[OURS] else None,
                against=f"{name} {rate[name]:,.0f}/s at recall {found.recall[name]:.4f} (effort {found.effort[name]})",
            )
            for name in names
        ),
        Figure("questions while vectors come in", rate[OURS], "1/s", "at least"),
        Figure(
            "questions, nothing comes in", found.quiet[OURS], "1/s", "at least",
            against=beside(lambda name: f"{found.quiet[name]:,.0f}") + f", exact scan {found.scan_per_s:,.0f}",
        ),
        Figure(
            "built", found.built[OURS].per_s, "vectors/s", "at least",
            against=beside(lambda name: f"{found.built[name].per_s:,.0f}"),
        ),
        Figure(
            "memory", found.built[OURS].memory, "bytes a vector",
            against=beside(lambda name: f"{found.built[name].memory:,.0f}"),
        ),
        Figure(
            "saved", found.built[OURS].saved, "bytes a vector",
            against=beside(lambda name: f"{found.built[name].saved:,.0f}"),
        ),
    ]  # fmt: skip


def details(found: Measured, options: argparse.Namespace) -> dict[str, Any]:
    return {
        **vars(options),
        "M": M,
        "ef_construction": EF_CONSTRUCTION,
        "effort": found.effort,
        "recall": found.recall,
        "recall_after_mixed_work": found.later,
        "mixed_per_s": {name: [round(rate) for rate in rates] for name, rates in found.mixed.items()},
        "add_alone_us": {
            name: [round(1e6 * float(np.percentile(one.alone, share))) for share in (50, 99)]
            for name, one in found.added.items()
        },
        "not_found_at_first": {name: one.again for name, one in found.added.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=DIM)
    parser.add_argument("--adds", type=int, default=1_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--mixed", type=int, default=300, help="new vectors in a round of mixed work")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    shares = [options.items, options.adds, options.mixed * options.rounds, options.queries]
    drawn = Clusters(np.random.default_rng(7), options.dim).sample(sum(shares)).vectors
    world = World(*np.split(drawn, np.cumsum(shares)[:-1]))
    with threadpool_limits(1):
        found = measure(world, options.rounds, options.mixed)
    tell("index", figures(found), details(found, options))


if __name__ == "__main__":
    main()
