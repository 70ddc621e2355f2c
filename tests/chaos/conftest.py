"""Trials on the run's Kafka and a Redis of their own, and the table of recovery times."""

import os
import random
import statistics
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.machine import commit, machine
from recommender.topics import Topics
from streams.admin import create_topics
from tests.chaos.trial import Trial
from tests.rig.kafka import KafkaBroker
from tests.rig.redis_server import RedisServer


@dataclass
class Recoveries:
    """Seconds by fault, and what each trial came to."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, fault: str, seconds: float) -> None:
        """From the fault (or the return of what was away) to work going on."""
        self.seconds.setdefault(fault, []).append(seconds)

    def table(self) -> str:
        """For people, in Markdown."""
        lines = ["| fault | times | median s | max s |", "|---|---|---|---|"]
        for fault, found in self.seconds.items():
            lines.append(f"| {fault} | {len(found)} | {statistics.median(found):.1f} | {max(found):.1f} |")
        return "\n".join(lines)


@pytest.fixture(scope="session")
def recoveries(request: pytest.FixtureRequest) -> Iterator[Recoveries]:
    """Collects the figures of the run; written to CHAOS_RESULTS, where that is set, and shown."""
    found = Recoveries()
    yield found
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line("\n" + found.table())
    path = os.environ.get("CHAOS_RESULTS")
    if path and found.seconds:
        failed = f"{request.session.testsfailed} of {request.session.testscollected} failed"
        text = (
            "# Recovery times\n\n`make chaos`: a trial passes when it ends with the digest of an undisturbed run, "
            f"nothing lost and nothing twice; {failed}.\n"
            f"\n{machine()}; commit {commit()}; load {os.getloadavg()[0]:.1f} at the end\n\n{found.table()}\n"
        )
        Path(path).write_text(text)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """The trial's own stream of chance; CHAOS_SEED gives another run."""
    return random.Random(f"{os.environ.get('CHAOS_SEED', '4')} {request.node.name}")


@pytest.fixture
async def trial(kafka: KafkaBroker, redis_server: RedisServer, prefix: str, tmp_path: Path) -> AsyncIterator[Trial]:
    """Topics of its own, an empty store."""
    topics = Topics(prefix)
    await create_topics(kafka.bootstrap, topics)
    trial = Trial(kafka, redis_server, topics, str(tmp_path / "data"))
    try:
        yield trial
    finally:
        await trial.close()
