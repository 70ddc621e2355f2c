"""How well each model predicts what users do next, and what an event costs it.

    python -m benchmarks.quality [--models NAME …] [--streams NAME …] [--limit N]

Prequential (docs/evaluation.md): each event is predicted before it is learned, among all items seen so far but, where
users do not repeat, their own. One configuration for all streams. A model is a name, or NAME:PARAMETER=VALUE,…
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

from benchmarks import quality_streams
from benchmarks.machine import commit, machine
from benchmarks.quality_runs import Run, run
from benchmarks.quality_tables import section
from benchmarks.vectors import encoded
from online_models.registry import names

RESULTS = Path(__file__).parent / "results"
REFERENCE = "default"
RIVALS = ("decayed_popularity:half_life_ms=3600000", "decayed_popularity:half_life_ms=604800000")
"""Popularity at an hour and at a week, beside its own day: the best half-life is another on each stream."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[*names(), *RIVALS], metavar="NAME")
    parser.add_argument("--streams", nargs="+", default=quality_streams.names(), choices=quality_streams.names())
    parser.add_argument("--limit", type=int, help="only the first N events of each stream")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the synthetic streams: another one, not looked at before"
    )
    parser.add_argument("--every", type=int, help="rank one event in so many (default: the stream's own)")
    parser.add_argument("--no-vectors", action="store_true", help="items have texts, but no vectors")
    parser.add_argument("--out", type=Path, help="where the tables go; default: results/DATE-quality.md, if all events")
    options = parser.parse_args()
    unknown = [name for name in options.models if name.split(":")[0] not in names()]
    if unknown:
        parser.error(f"no such model: {', '.join(unknown)}; there are {', '.join(names())}")
    out: Path | None = options.out
    if out is None and options.limit is None:
        out = RESULTS / f"{dt.datetime.now().astimezone().date()}-quality.md"
    head = f"# Quality\n\n{machine()}; commit {commit()}\n"
    text = head
    for name in options.streams:
        encode = (lambda *_: {}) if options.no_vectors else encoded
        course = quality_streams.make(name, encode, options.limit, options.seed)
        done: list[Run] = []
        for model in options.models:
            done.append(run(course, model, options.every or course.every))
            print(done[-1].line(), file=sys.stderr, flush=True)
        told = section(course, options.every or course.every, done, REFERENCE)
        print(told, flush=True)
        text += f"\n{told}"
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
