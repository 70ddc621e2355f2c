"""The click model: does it find the true order, what do late choices cost, and what does a list cost?

``python -m benchmarks.click_model``; see docs/impressions.md.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from benchmarks.figures import print_table
from benchmarks.shown_lists import Shop, decision, late_worth, tau
from online_models.choices import Choices
from online_models.choices_state import state_of
from online_models.click_features import buckets_of, columns
from online_models.click_weights import ClickWeights
from online_models.state import pack

WORDS = ("hour:8", "weekday:1", "session:3", "device:5", "country:9")
PARTS = 22


def microseconds(call: Callable[[], Any], times: int) -> float:
    """CPU time of one of so many calls."""
    begin = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - begin) / times * 1e6


def orders(seeds: int, lists: int) -> None:
    """Kendall's tau to the true order: with places, without, and where lists follow what was learned."""
    rows = []
    for name, blind, obey in (
        ("places learned", False, False),
        ("no places", True, False),
        ("in the loop", False, True),
    ):
        found = []
        for seed in range(seeds):
            shop = Shop(seed, blind, items=10, steps=0.1, exploring=0.1)
            shop.run(lists, obey=obey)
            found.append(tau(shop.truth, shop.learned))
        rows.append((name, *(f"{value:.2f}" for value in (np.mean(found), min(found), max(found)))))
    print(f"true order turned at the start, {lists} lists, {seeds} seeds: Kendall's tau of what was learned")
    print_table(("", "mean", "least", "most"), rows)


def lateness(seeds: int) -> None:
    """How far items that are bought days later are held too low, in logs."""
    rows = []
    for mean_days in (0.5, 3.0):
        at_once = [late_worth(seed, 21, 1e-6, 7.0) for seed in range(seeds)]
        kept = [late_worth(seed, 21, mean_days, 7.0) - base for seed, base in enumerate(at_once)]
        cut = [late_worth(seed, 21, mean_days, 1 / 24) - base for seed, base in enumerate(at_once)]
        bound = -np.log(1.0 - np.exp(-7.0 / mean_days)) + mean_days / 21
        rows.append((f"{mean_days:g} days late", *(f"{value:.2f}" for value in (-bound, np.mean(kept), np.mean(cut)))))
    print("worth of items whose choices come late, against the same at once, after 21 days")
    print_table(("", "bound", "kept for a week", "cut after an hour"), rows)


def costs(lists: int = 2_000) -> None:
    """CPU time and bytes of a list of ten."""
    rng = np.random.default_rng(0)
    names = [[f"item{n}" for n in rng.integers(3_000, size=10)] for _ in range(lists)]
    made = [
        decision(f"r{n:016d}", f"user{n % 1_000}", names[n], rng.normal(size=(10, PARTS)), words=WORDS)
        for n in range(lists)
    ]
    tracemalloc.start()
    choices = Choices()
    for each in made:
        choices.served(each)
    held = tracemalloc.get_traced_memory()[0] / lists
    tracemalloc.stop()
    again, waiting, answered = Choices(), iter(made), iter(range(lists))

    def choose() -> None:
        n = next(answered)
        choices.chosen(f"r{n:016d}", f"user{n % 1_000}", names[n][3], 1.0)

    taken = microseconds(lambda: again.served(next(waiting)), lists)
    taught = microseconds(choose, lists // 2)
    told = choices.model.published(choices.count)
    weights, rows = ClickWeights(told, after=1), rng.normal(size=(450, PARTS))
    ids, parts = [f"item{n}" for n in range(450)], [chr(97 + n) for n in range(PARTS)]
    ages, counts = np.full(450, 5e6), np.full(450, 3.0)
    asked = microseconds(lambda: weights.part(buckets_of(ids), columns(parts, rows, ages, counts), WORDS), 200)
    print_table(
        ("a list of ten", ""),
        [
            ("taken in, us", f"{taken:.0f}"),
            ("taught with a choice, us", f"{taught:.0f}"),
            ("kept, bytes", f"{held:.0f}"),
            ("in the snapshot, bytes", f"{len(pack(state_of(choices))) / lists:.0f}"),
            ("the part of 450 candidates, us", f"{asked:.0f}"),
            ("published weights, bytes", f"{len(msgspec.json.encode(told))}"),
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.click_model", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--lists", type=int, default=2_000)
    options = parser.parse_args()
    orders(options.seeds, options.lists)
    print()
    lateness(options.seeds)
    print()
    costs()


if __name__ == "__main__":
    main()
