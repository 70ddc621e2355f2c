"""From the start of `coldspring demo` and `coldspring up`, installed, to the page and to being ready.

    python -m benchmarks.startup [--rounds 3]

`page` is the first GET / with 200, `ready` the first /readyz with 200: lists are answered. `texts` is the line that
`up --json` prints once typed texts are answered too. The system is cold: every round is a new process in a new data
folder, only the compiled kernels (`make setup`) and the files in the page cache are warm.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import IO

import httpx

from benchmarks.figures import load_average, print_table
from benchmarks.site import STOP_S
from streams.ports import LOOPBACK, free_port

GOAL_S = 15.0
LIMIT_S = 180.0
POLL_S = 0.05


def start(command: str) -> dict[str, float]:
    """Seconds to each step of one start."""
    url = f"{LOOPBACK}:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="coldspring-bench-") as folder:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "coldspring", command, "--json", "--http", url, "--data", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        said: list[float] = []

        def listen(output: IO[bytes]) -> None:
            if output.readline():
                said.append(time.monotonic() - began)

        reading = threading.Thread(target=listen, args=(process.stdout,))
        reading.start()
        try:
            steps = {
                "page": _wait(lambda: _ok(f"http://{url}/"), began),
                "ready": _wait(lambda: _ok(f"http://{url}/readyz"), began),
            }
            if command == "up":
                reading.join(LIMIT_S)
                steps["texts"] = said[0] if said else LIMIT_S
            return steps
        finally:
            process.terminate()
            process.wait(STOP_S)
            reading.join()


def _wait(done: Callable[[], bool], began: float) -> float:
    while not done() and time.monotonic() - began < LIMIT_S:
        time.sleep(POLL_S)
    return time.monotonic() - began


def _ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report: dict[str, dict[str, float]] = {}
    rows: list[tuple[object, ...]] = []
    for command in ("demo", "up"):
        rounds = [start(command) for _ in range(options.rounds)]
        report[command] = {step: round(statistics.median(one[step] for one in rounds), 1) for step in rounds[0]}
        for step, median in report[command].items():
            rows.append((f"{command}: {step}", median, *(round(one[step], 1) for one in rounds)))
    print_table(("seconds", "median", *(f"round {number + 1}" for number in range(options.rounds))), rows)
    met = report["demo"]["page"] <= GOAL_S
    print(json.dumps({"benchmark": "startup", **report, "goal_s": GOAL_S, "met": met, "load_average": load_average()}))


if __name__ == "__main__":
    main()
