"""The click worker killed, stopped, joined and left; at named moments and at any moment."""

import asyncio
import random
import signal

import pytest

from coldspring.settings import Settings
from coldspring.wiring import caps as caps_of
from online_models.renumbering import most_numbers
from streams.replay import DirectReplay
from tests.chaos.conftest import Recoveries
from tests.chaos.events import clicks, items, passing_clicks, profiles
from tests.chaos.trial import QUICK, Trial, pause

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1_800)]

KILLS = 30
JOINS = 20
ZOMBIES = 4
MOMENTS = [
    f"{kind}.{moment}"
    for kind in ("interactions", "items", "profiles")
    for moment in ("fold.before", "fold.after", "examples.after", "commit.before", "commit.after", "views.after")
]
MOMENTS += ["interactions.dead.before", "interactions.dead.after", "interactions.examples.before"]

NUMBERINGS = [f"numbers.{moment}" for moment in ("given", "named", "copied", "swap.before", "swap.after")]


async def test_killed_at_random_moments(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    log = [*items(rng), *profiles(rng, 200), *clicks(rng, 20_000)]
    rng.shuffle(log)
    worker = trial.process()
    worker.start()
    share = len(log) // (KILLS + 1)
    for kill in range(KILLS):
        before = trial.done()
        await trial.send(log[kill * share : (kill + 1) * share])
        taken = await trial.until(lambda before=before: trial.done() > before, 180)  # type: ignore[misc]
        if kill:
            recoveries.add("click worker, kill -9", taken)
        await asyncio.sleep(rng.random() * 0.1)
        worker.kill()
        worker.start()
    await trial.send(log[KILLS * share :])
    await trial.check()
    assert worker.terminate() == 0


async def test_killed_at_every_named_moment(trial: Trial, rng: random.Random) -> None:
    for moment in MOMENTS:
        news = [
            *items(rng, 30, edition=1 + len(moment)),
            *profiles(rng, 30),
            *clicks(rng, 300, len(trial.sent) * 1_000),
        ]
        rng.shuffle(news)
        await trial.send(news)
        worker = trial.process(COLDSPRING_CRASH_AT=f"{moment}:{rng.randint(1, 2)}", **QUICK)
        worker.start()
        status = await asyncio.to_thread(worker.wait, 180)
        assert status == -signal.SIGKILL, f"{moment}: {status}\n{worker.log_tail()}"
    trial.process(**QUICK).start()
    await trial.check()


async def test_killed_while_items_are_numbered_anew(trial: Trial, rng: random.Random) -> None:
    few = {"COLDSPRING_MAX_ITEMS": "100", "COLDSPRING_MAX_USERS": "800", **QUICK}
    caps = caps_of(Settings(max_items=100, max_users=800))
    trial.reference = DirectReplay(trial.topics, caps=caps)
    for number, moment in enumerate(NUMBERINGS * 2):
        # Some 1,600 items are new to each partition, which gives 1,225 numbers before it gives them anew.
        await trial.send(passing_clicks(rng, 8_000, 8_000 * number))
        worker = trial.process(COLDSPRING_CRASH_AT=f"{moment}:{rng.randint(1, 4)}", **few)
        worker.start()
        status = await asyncio.to_thread(worker.wait, 180)
        assert status == -signal.SIGKILL, f"{moment}: {status}\n{worker.log_tail()}"
    trial.process(**few).start()
    await trial.check()
    names = [trial.keys.users(partition).names for partition in range(4)]
    await trial.until(lambda: all(trial.client.llen(name) <= most_numbers(caps) for name in names), 60, "few numbers")
    assert trial.digest() == trial.reference.digest()


async def test_zombies_are_fenced(trial: Trial, rng: random.Random) -> None:
    """Stopped for longer than its session in the middle of its work, then let go on."""
    workers = [trial.process(**QUICK), trial.process(**QUICK)]
    for worker in workers:
        worker.start()
    await trial.send(clicks(rng, 500))
    await trial.until_read()
    for number in range(ZOMBIES):
        zombie = workers[number % 2]
        before = trial.done()
        await trial.send(clicks(rng, 3_000, 10_000 * (number + 1)))
        await trial.until(lambda before=before: trial.done() > before)  # type: ignore[misc]
        pause(zombie)
        await trial.until_read()  # the other one does all of it
        await trial.send(clicks(rng, 1_000, 10_000 * (number + 1) + 5_000))
        zombie.resume()
        await trial.until_read()
    await trial.check()


async def test_workers_join_and_leave(trial: Trial, rng: random.Random) -> None:
    """A second worker comes and goes, by turns with a farewell and without."""
    log = clicks(rng, 20_000)
    first, second = trial.process(**QUICK), trial.process(**QUICK)
    first.start()
    share = len(log) // JOINS
    for number in range(JOINS):
        second.start()
        await trial.send(log[number * share : (number + 1) * share])
        await asyncio.sleep(2 + rng.random() * 3)
        if number % 2:
            second.kill()
        else:
            # Told to end while Python still loads, it ends by the signal itself.
            assert second.terminate() in (0, -signal.SIGTERM)
    await trial.check()


async def test_repeats_are_counted_exactly(trial: Trial, rng: random.Random) -> None:
    """One event id in ten comes again, one delivery in ten too; then the whole log once more."""
    worker = trial.process(**QUICK)
    worker.start()
    log = clicks(rng, 5_000, repeated=0.1)
    for event in list(log):
        if rng.random() < 0.1:
            log.insert(rng.randrange(len(log)), event)
    await trial.send(log)
    await trial.check()
    once = trial.digest()
    await trial.send(log)
    await trial.check()
    assert trial.digest() == once
    heads = trial.heads()
    readable = sum(event.value != b"{bad" for event in log)
    assert sum(head.applied + head.duplicates for head in heads) == 2 * readable


async def test_sigterm_drains(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    """In the middle of a backlog: ended within ten seconds with status 0, nothing done twice by the next."""
    await trial.send(clicks(rng, 60_000))
    worker = trial.process(**QUICK)
    worker.start()
    await trial.until(lambda: trial.done() > 0)
    began = asyncio.get_running_loop().time()
    assert await asyncio.to_thread(worker.terminate, 10) == 0
    recoveries.add("click worker, SIGTERM to its end", asyncio.get_running_loop().time() - began)
    worker.start()
    await trial.check()


async def test_a_burst_of_ten_times_the_load(trial: Trial, rng: random.Random) -> None:
    """Bounded memory, no partition lost to it, drained."""
    worker = trial.process(**QUICK)
    worker.start()
    await trial.send(clicks(rng, 2_000))
    await trial.until_read()
    tokens = trial.client.mget([trial.keys.users(p).owner for p in range(4)])
    calm = resident(worker.pid)
    await trial.send(clicks(rng, 100_000, 10_000))
    most = 0

    def drained() -> bool:
        nonlocal most
        most = max(most, resident(worker.pid))
        return trial.done() >= trial.sent["interactions"]

    await trial.until(drained, 180)
    assert most < calm + 300 * 2**20, f"from {calm >> 20} to {most >> 20} MiB"
    assert trial.client.mget([trial.keys.users(p).owner for p in range(4)]) == tokens
    await trial.check()


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    with open(f"/proc/{pid}/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * 4096
