"""Who is asked for in `query`, and the process that asks (`benchmarks/query_client.py`)."""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks import load

Seen = dict[str, Any]


def with_client(parser: argparse.ArgumentParser) -> None:
    """Add what is asked, and how."""
    parser.add_argument("--rates", type=float, nargs="+", default=[200.0, 1000.0], help="requests a second")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each phase with load; others take half of that")
    parser.add_argument("--items", type=int, default=2_000, help="films of the catalogue")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--zipf", type=float, default=1.0, help="exponent of the law by which users are drawn")


def drawn(options: argparse.Namespace) -> list[str]:
    """Users of the load for the longest phase, by Zipf's law in the order of how many ratings they have."""
    ranked = [user for user, _ in Counter(rating.user_id for rating in load.ratings(options.items)).most_common()]
    weights = itertools.accumulate((1.0 + rank) ** -options.zipf for rank in range(len(ranked)))
    count = int(max(options.rates) * options.seconds)
    return random.Random(1).choices(ranked, cum_weights=list(weights), k=count)


def ask(address: str, targets: Sequence[str], rate: float, seconds: float, connections: int) -> Seen:
    """What the client saw."""
    command = [sys.executable, "-m", "benchmarks.query_client", address, "--rate", str(rate)]
    command += ["--seconds", str(seconds), "--connections", str(connections)]
    asked = "\n".join(targets[: int(rate * seconds)])
    done = subprocess.run(command, input=asked, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))
