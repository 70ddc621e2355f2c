"""Run benchmarks one after another, and keep what they found: ``python -m benchmarks [NAME…]``.

Without names: those of the table of what is fast. Each report is kept as `benchmarks/results/figures/NAME.json`, from
which the page `benchmarks/results/README.md` and its plots are made; what is no report is kept as text, by date.
"""

from __future__ import annotations

import argparse
import datetime as dt
import subprocess
import sys
import time

from benchmarks import page
from benchmarks.figures import load_average
from benchmarks.machine import commit, machine

FAST: dict[str, list[list[str]]] = {
    "fold": [[]],
    "ingest": [[]],
    "joint": [[]],
    "writes": [[]],
    "rank": [[]],
    "index": [[]],
    "query": [[]],
    "click_latency": [["--site", "real"]],
    "fresh_items": [[]],
    "encoder": [[]],
    "cost": [[]],
    "restart": [["--starts", "2"]],
    "growth": [[]],
    "scale": [[]],
}
"""What is fast, with the options of its runs. Each also runs by itself: ``python -m benchmarks.NAME --help``."""
MORE: dict[str, list[list[str]]] = {
    "startup": [[]],
    "freshness": [["--site", "embedded"], ["--site", "real"]],
    "forgetting": [[]],
    "bad_input": [[]],
    "quality": [["--limit", "5000"]],
    "lessons": [[]],
    "click_model": [[]],
    "partitions": [["--events", "8000"]],
    "time_travel": [[]],
    "serenade": [[]],
}


def run(name: str, options: list[str]) -> tuple[int, str]:
    """Run one in a process of its own, shown as it goes; its exit status and what it printed."""
    command = [sys.executable, "-u", "-m", f"benchmarks.{name}", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    return process.wait(), "".join(lines)


def keep(title: str, said: str) -> None:
    """Append a section to the day's results."""
    path = page.RESULTS / f"{dt.datetime.now().astimezone().date()}.md"
    new = not path.exists()
    with path.open("a", encoding="utf-8") as results:
        if new:
            results.write(f"# Benchmarks, {path.stem}\n")
        results.write(f"\n## {title}\n\n{machine()}; commit {commit()}; load {load_average()}\n\n```\n{said}```\n")


def main() -> int:
    runs = FAST | MORE
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks and keep the figures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(runs)}; default: those up to scale")
    parser.add_argument("--no-keep", action="store_true", help="only print")
    parser.add_argument("--page", action="store_true", help="run nothing, make the page of what is kept")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in runs]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(runs)}")
    failed = 0
    for name in () if options.page else options.names or FAST:
        for more in runs[name]:
            title = " ".join([name, *more])
            print(f"== {title}", flush=True)
            began = time.monotonic()
            status, said = run(name, more)
            print(f"-- {time.monotonic() - began:.0f} s\n", flush=True)
            failed += status != 0
            if status == 0 and not options.no_keep and not page.keep(said):
                keep(title, said)
    if not options.no_keep:
        page.write(runs)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
