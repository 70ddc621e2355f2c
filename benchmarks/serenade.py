"""Lists over HTTP from Serenade and from us in turn, on the same cores, over the same ratings.

    python -m benchmarks.serenade [--rates 200 1000] [--load 5000] [--seconds 6] [--rounds 3]

Serenade (crate `serenade` 0.3.1, Rust) is VMIS-kNN: the sessions most like the last few items decide what is next. Its
model is made once, from a file; it learns nothing from events, knows no text, no new items, and keeps of a user the
last four items. So this is the price of a list where that is enough. It gets the ratings that our load is made of, a
user's as one session, the settings of its own example, and a thread a core; what a user rated last is asked for.

Both take turns in each round, while nothing is sent and while the load of `benchmarks.query` flows into our system;
the other one waits meanwhile. `scripts/build-serenade.sh` makes the program first (some four minutes), with Debian's
RocksDB.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import psutil

from benchmarks import catalogue, load
from benchmarks.busy import busy
from benchmarks.open_loop import Seen, ask, drawn, with_client
from benchmarks.query import fill, settle
from benchmarks.report import Figure, tell
from benchmarks.site import running
from coldspring.dataset import interactions
from streams.child_process import ChildProcess
from streams.ports import LOOPBACK, free_port

FOLDER: Final = Path(".cache/serenade")
SESSION: Final = 4
"""So many items of a session count, as in Serenade's example."""
SETTINGS: Final = """
[server]
host = "{host}"
port = {port}
num_workers = {workers}

[data]
training_data_path = "{data}"

[model]
m_most_recent_sessions = 1502
neighborhood_size_k = 288
max_items_in_session = {session}
num_items_to_recommend = 10
idf_weighting = 1

[logic]
enable_business_logic = false

[hyperparam]
training_data_path = "{data}"
test_data_path = "{data}"
validation_data_path = "{data}"
num_iterations = 1
save_records = false
out_path = "none.csv"
enable_business_logic = false
n_most_recent_sessions_range = [100, 2500]
neighborhood_size_k_range = [50, 1500]
last_items_in_session_range = [1, 20]
idf_weighting_range = [0, 5]
"""
READY_S: Final = 60.0
WARM_S: Final = 1.5
OURS, THEIRS = "Coldspring", "Serenade"


class Ratings:
    """The load's ratings as Serenade takes them; users and films are numbers from 1."""

    def __init__(self, films: int) -> None:
        wanted = {film["item_id"] for film in catalogue.films(films)}
        self._users: dict[str, int] = {}
        self._films: dict[str, int] = {}
        self.rows: list[tuple[int, int, int]] = []
        self.last: dict[str, list[int]] = {}
        """The newest films of each user, oldest first."""
        for event in interactions():
            if event["item_id"] in wanted:
                user = self._users.setdefault(event["user_id"], len(self._users) + 1)
                film = self._films.setdefault(event["item_id"], len(self._films) + 1)
                self.rows.append((user, film, event["timestamp"] // 1000))
                self.last[event["user_id"]] = [*self.last.get(event["user_id"], []), film][-SESSION:]

    def write(self, path: Path) -> None:
        """The training file: tab-separated session, item and time in seconds."""
        lines = "".join(f"{user}\t{film}\t{when}\n" for user, film, when in self.rows)
        path.write_text(f"SessionId\tItemId\tTime\n{lines}")

    def target(self, user: str, film: int) -> str:
        """The question for a user who is at a film now."""
        return f"/v1/recommend?session_id={quote(user, safe='')}&user_consent=true&item_id={film}"


@contextmanager
def serenade(folder: Path, ratings: Ratings) -> Iterator[str]:
    """HOST:PORT of a running Serenade that has learned the ratings."""
    data, port = folder / "ratings.tsv", free_port()
    ratings.write(data)
    settings = folder / "serenade.toml"
    workers = len(os.sched_getaffinity(0))
    settings.write_text(SETTINGS.format(host=LOOPBACK, port=port, workers=workers, data=data, session=SESSION))
    program = FOLDER.absolute() / "bin" / "serving"
    address = f"{LOOPBACK}:{port}"
    with ChildProcess([str(program), str(settings)], log=folder / "serenade.log", cwd=folder):
        _wait(address, folder / "serenade.log")
        yield address


def _wait(address: str, log: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        try:
            httpx.get(f"http://{address}/internal", trust_env=False).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"Serenade did not start:\n{log.read_text()[-2_000:]}")


def visit(address: str, ratings: Ratings, users: Sequence[str]) -> None:
    """Have Serenade know the last items of these users, and make sure that it answers with ten items."""
    with httpx.Client(base_url=f"http://{address}", trust_env=False) as http:
        for user in dict.fromkeys(users):
            for film in ratings.last[user]:
                answer = http.get(ratings.target(user, film)).raise_for_status()
        if len(answer.json()) != 10:
            raise SystemExit(f"Serenade answered {answer.text}")


def cores_of(name: str) -> float:
    """Processor seconds so far of the processes of a program."""
    times = [one.cpu_times() for one in psutil.process_iter() if one.name() == name]
    return sum(each.user + each.system for each in times)


def phase(where: dict[str, tuple[str, list[str]]], name: str, rate: float, options: argparse.Namespace) -> Seen:
    """One system at one rate: a warm-up, then the measurement, with what its answering process took of the cores."""
    address, targets = where[name]
    ask(address, targets[::-1], rate, WARM_S, options.connections)
    before, began = cores_of("serving"), time.monotonic()
    with busy(os.getpid()) as cores:
        seen = ask(address, targets, rate, options.seconds, options.connections)
    theirs = (cores_of("serving") - before) / (time.monotonic() - began)
    return {**seen, "answering": round(theirs, 3) if name == THEIRS else cores.get("serving", 0.0)}


def measure(options: argparse.Namespace) -> dict[str, list[Seen]]:
    """The rounds of every phase, by name."""
    users, ratings = drawn(options), Ratings(options.items)
    found: dict[str, list[Seen]] = {}
    with tempfile.TemporaryDirectory(prefix="coldspring-serenade-") as name, running("real") as site:
        asyncio.run(fill(site, options.items))
        flowing = (site.bootstrap, options.load, options.items, 100)
        with load.background(*flowing):
            time.sleep(options.before)
        settle(site)
        with serenade(Path(name), ratings) as address:
            visit(address, ratings, users)
            where = {
                OURS: (
                    urlsplit(site.http).netloc,
                    [f"/v1/users/{quote(user, safe='')}/recommendations?n=10" for user in users],
                ),
                THEIRS: (address, [ratings.target(user, ratings.last[user][-1]) for user in users]),
            }

            def rounds(flow: str, rates: Sequence[float]) -> None:
                for turn in range(options.rounds):
                    for rate in rates:
                        for system in (OURS, THEIRS)[:: 1 if turn % 2 == 0 else -1]:
                            name = f"{system}, {rate:g} req/s, {flow}"
                            found.setdefault(name, []).append(phase(where, system, rate, options))

            rounds("no load", options.rates)
            with load.background(*flowing):
                time.sleep(options.warm)
                rounds(f"{options.load:g} events/s", options.rates)
    return found


def figures_of(found: dict[str, list[Seen]]) -> Iterator[Figure]:
    """Medians over the rounds."""
    for name, seen in found.items():
        for share in ("p50", "p99"):
            yield Figure(f"{name}: {share}", statistics.median(one["latency_ms"][share] for one in seen), "ms")
        yield Figure(f"{name}: not 200", statistics.median(one["failed"] for one in seen), "share")
        yield Figure(f"{name}: answering process", statistics.median(one["answering"] for one in seen), "cores")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    with_client(parser)
    parser.set_defaults(seconds=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load", type=float, default=5_000.0, help="events a second")
    parser.add_argument("--before", type=float, default=5.0, help="seconds of load before the phases without")
    parser.add_argument("--warm", type=float, default=8.0, help="seconds of load before the phases with load")
    options = parser.parse_args()
    subprocess.run(["scripts/build-serenade.sh", str(FOLDER)], check=True)
    found = measure(options)
    details: dict[str, Any] = {**vars(options), "phases": found}
    tell("serenade", list(figures_of(found)), details)


if __name__ == "__main__":
    main()
