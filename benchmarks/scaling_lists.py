"""Lists a second of one or more serving processes, asked by a process of its own (closed loop).

    python -m benchmarks.scaling_lists SECONDS USERS URL...

Eight askers for each URL, each asking again as soon as it has its list. Prints one JSON line: lists, seconds.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from benchmarks.ask import Http, ids
from benchmarks.processes import used

ASKERS: Final = 8


@dataclass(slots=True)
class Listed:
    """All rounds of so many serving processes: lists, wall seconds, processor seconds by process."""

    lists: int = 0
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    def ms(self, name: str) -> float:
        """Milliseconds of processor time a list; of all serving processes together for `serving`."""
        return 1e3 * self.cpu.get(name, 0.0) / max(1, self.lists)


class Lists:
    """Plays rounds over running serving processes (URL to process id); `rounds` has what they took, by their number."""

    def __init__(self, serving: dict[str, int], redis: int, users: int, seconds: float) -> None:
        self._serving, self._redis, self._users, self._seconds = serving, redis, users, seconds
        self.rounds: dict[int, Listed] = {}

    def play(self, processes: int) -> float:
        """Lists a second of a round in which so many of them are asked."""
        urls = list(self._serving)[:processes]
        names = {"serving": [self._serving[url] for url in urls], "redis": [self._redis]}
        command = [sys.executable, "-m", "benchmarks.scaling_lists", str(self._seconds), str(self._users), *urls]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asking:
            try:
                assert asking.stdout is not None
                asking.stdout.readline()  # it begins to ask
                before = {name: used(those).cpu_s for name, those in names.items()}
                told = json.loads(asking.stdout.readline() or "{}")
                after = {name: used(those).cpu_s for name, those in names.items()}
            finally:
                asking.kill()
        if not told.get("lists"):
            raise SystemExit("no list was answered")
        found = self.rounds.setdefault(processes, Listed())
        found.lists += told["lists"]
        found.seconds += told["seconds"]
        spent = {"asking": told["cpu_s"], **{name: after[name] - before[name] for name in names}}
        found.cpu = {name: found.cpu.get(name, 0.0) + took for name, took in spent.items()}
        return float(told["lists"] / told["seconds"])


async def ask(seconds: float, users: int, urls: list[str]) -> int:
    """Ask all for so long; the lists that had items."""
    until = time.monotonic() + seconds

    async def asker(number: int, http: Http) -> int:
        rng, answered = random.Random(number), 0
        while time.monotonic() < until:
            answered += bool(ids(await http.recommended(f"u{rng.randrange(users)}")))
        return answered

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        doors = [Http(session, url) for url in urls for _ in range(ASKERS)]
        return sum(await asyncio.gather(*(asker(number, http) for number, http in enumerate(doors))))


def main() -> None:
    seconds, users, urls = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    print(flush=True)
    began, cpu_s = time.monotonic(), time.process_time()
    lists = asyncio.run(ask(seconds, users, urls))
    took = {"lists": lists, "seconds": time.monotonic() - began, "cpu_s": time.process_time() - cpu_s}
    print(json.dumps(took), flush=True)


if __name__ == "__main__":
    main()
