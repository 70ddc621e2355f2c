"""Redis killed, cut, emptied, restored, full, away: paused, noticed, healed by replay, no dead letters for it."""

import asyncio
import os
import random
import shutil
from pathlib import Path

import pytest

from tests.chaos.conftest import Recoveries
from tests.chaos.events import clicks, items
from tests.chaos.trial import QUICK, Trial

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

AWAY_S = float(os.environ.get("CHAOS_AWAY_S", "5"))


async def started(trial: Trial, rng: random.Random, count: int = 4_000) -> None:
    """A worker that has read a first part of the log."""
    trial.process(**QUICK).start()
    await trial.send([*items(rng), *clicks(rng, count)])
    await trial.until_read()


def log_of_writes(trial: Trial) -> Path:
    """Redis' append-only file."""
    [found] = (trial.redis.data_dir / "appendonlydir").glob("*.incr.aof")
    return found


async def test_killed_and_restarted(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    await started(trial, rng)
    for number in range(5):
        sending = asyncio.create_task(trial.send(clicks(rng, 2_000, 10_000 * (number + 1))))
        await asyncio.sleep(rng.random() * 0.3)
        trial.redis.kill()
        await sending
        await asyncio.sleep(rng.random())
        await asyncio.to_thread(trial.redis.start)
        recoveries.add("Redis, kill -9 and restart", await trial.until_read())
    await trial.check()


async def test_its_last_second_is_lost_while_nothing_comes(
    trial: Trial, rng: random.Random, recoveries: Recoveries
) -> None:
    await started(trial, rng)
    for number in range(3):
        kept = log_of_writes(trial).stat().st_size
        await trial.send(clicks(rng, 2_000, 10_000 * (number + 1)))
        await trial.until_read()
        trial.redis.kill()
        os.truncate(log_of_writes(trial), kept + rng.randrange(log_of_writes(trial).stat().st_size - kept))
        await asyncio.to_thread(trial.redis.start)
        assert trial.done() < trial.sent["interactions"], "the store did lose something"
        recoveries.add("Redis, its last second cut off", await trial.until_read())
    await trial.check()


async def test_emptied_while_nothing_comes(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    await started(trial, rng)
    trial.client.flushall()
    recoveries.add("Redis, FLUSHALL: noticed", await trial.until(lambda: trial.done() > 0, 30))
    await trial.check()
    await trial.until(lambda: trial.pulse("store_went_back") > 0, 30)


async def test_a_backup_is_restored(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    await started(trial, rng)
    trial.redis.terminate()
    shutil.copytree(trial.redis.data_dir / "appendonlydir", trial.redis.data_dir / "backup")
    await asyncio.to_thread(trial.redis.start)
    await trial.send(clicks(rng, 5_000, 10_000))
    await trial.until_read()
    trial.redis.terminate()
    shutil.rmtree(trial.redis.data_dir / "appendonlydir")
    shutil.copytree(trial.redis.data_dir / "backup", trial.redis.data_dir / "appendonlydir")
    await asyncio.to_thread(trial.redis.start)
    recoveries.add("Redis, an old backup restored", await trial.until_read())
    await trial.check()


async def test_full(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    await started(trial, rng)
    trial.client.config_set("maxmemory", 2 * 2**20)
    await trial.send(clicks(rng, 3_000, 10_000))
    await asyncio.sleep(AWAY_S)
    stood = trial.done()
    assert stood < trial.sent["interactions"], "it was full"
    trial.client.config_set("maxmemory", 0)
    recoveries.add("Redis, full, then room again", await trial.until_read())
    await trial.check()


async def test_away(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    await started(trial, rng)
    trial.redis.kill()
    await trial.send(clicks(rng, 3_000, 10_000))
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(trial.redis.start)
    recoveries.add(f"Redis, away for {AWAY_S:g} s", await trial.until_read())
    await trial.check()


async def test_a_stolen_owner_is_noticed_without_a_new_event(
    trial: Trial, rng: random.Random, recoveries: Recoveries
) -> None:
    await started(trial, rng)
    owner = trial.keys.users(1).owner
    mine = trial.client.get(owner)
    trial.client.set(owner, "somebody")
    recoveries.add("a stolen owner: claimed back", await trial.until(lambda: trial.client.get(owner) == mine, 30))
    await trial.send(clicks(rng, 1_000, 10_000))
    await trial.check()
