"""Run benchmarks one after another, and keep what they print: ``python -m benchmarks [NAME…]``, all by default."""

from __future__ import annotations

import argparse
import datetime as dt
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import load_average
from benchmarks.machine import commit, machine

RESULTS = Path(__file__).parent / "results"
RUNS: dict[str, list[list[str]]] = {
    "startup": [[]],
    "freshness": [["--site", "embedded"], ["--site", "real"]],
    "click_latency": [["--site", "embedded"], ["--site", "real"]],
    "ingest": [[]],
    "forgetting": [[]],
    "bad_input": [[]],
    "quality": [["--limit", "5000"]],
    "lessons": [[]],
    "click_model": [[]],
    "partitions": [["--events", "8000"]],
    "time_travel": [[]],
}
"""Each benchmark with the options of its runs; each also runs by itself: ``python -m benchmarks.NAME --help``."""


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


def keep(path: Path, title: str, said: str) -> None:
    """Append a section to the day's results."""
    path.parent.mkdir(exist_ok=True)
    new = not path.exists()
    with path.open("a", encoding="utf-8") as results:
        if new:
            results.write(f"# Benchmarks, {path.stem}\n")
        results.write(f"\n## {title}\n\n{machine()}; commit {commit()}; load {load_average()}\n\n```\n{said}```\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks and keep the figures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RUNS)}; all by default")
    parser.add_argument("--no-keep", action="store_true", help="only print")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in RUNS]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(RUNS)}")
    failed = 0
    for name in options.names or RUNS:
        for more in RUNS[name]:
            title = " ".join([name, *more])
            print(f"== {title}", flush=True)
            status, said = run(name, more)
            failed += status != 0
            if status == 0 and not options.no_keep:
                keep(RESULTS / f"{dt.datetime.now().astimezone().date()}.md", title, said)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
