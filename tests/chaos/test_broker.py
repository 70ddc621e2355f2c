"""Kafka killed and away, made anew, and with less than the state needs."""

import asyncio
import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from streams.admin import create_topics
from tests.chaos.conftest import Recoveries
from tests.chaos.events import clicks, items
from tests.chaos.trial import CLUSTER, QUICK, Trial
from tests.rig.system import command

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

AWAY_S = float(os.environ.get("CHAOS_AWAY_S", "5"))


async def made_anew(trial: Trial, kind: str = "interactions") -> None:
    """A topic deleted, and made again."""
    topic = trial.topics.name(kind)
    admin = AIOKafkaAdminClient(bootstrap_servers=trial.kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        while topic in await admin.list_topics():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.1)
    finally:
        await admin.close()
    await create_topics(trial.kafka.bootstrap, trial.topics)


async def test_killed_and_away(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    trial.process(**QUICK).start()
    await trial.send([*items(rng), *clicks(rng, 2_000)])
    await trial.until_read()
    for number in range(2):
        sending = asyncio.create_task(trial.send(clicks(rng, 3_000, 10_000 * (number + 1))))
        await asyncio.sleep(rng.random() * 0.3)
        trial.kafka.kill()
        await asyncio.sleep(AWAY_S)
        await asyncio.to_thread(trial.kafka.start)
        back = asyncio.get_running_loop().time()
        await sending
        await trial.until_read()
        recoveries.add(f"Kafka, kill -9, away for {AWAY_S:g} s: all read", asyncio.get_running_loop().time() - back)
    await trial.check()


async def test_a_log_made_anew_is_never_mixed_in(trial: Trial, rng: random.Random) -> None:
    worker = trial.process(**QUICK)
    worker.start()
    await trial.send(clicks(rng, 2_000))
    await trial.check()
    held = trial.digest()
    worker.terminate()
    await made_anew(trial)
    for first in (50_000, 60_000):  # shorter than the old log, then longer
        await trial.send(clicks(rng, 1_500, first), known=False)
        again = trial.process(**QUICK)
        again.start()
        assert await asyncio.to_thread(again.wait, 180) == 1
        assert "not the log that the state was learned from" in again.log_tail()
        assert trial.digest() == held
        [finding] = [one for one in await asyncio.to_thread(doctor, trial) if one["check"] == "log"]
        assert finding["outcome"] == "fail"
        assert "--cluster" in finding["advice"]


def doctor(trial: Trial) -> list[dict[str, str]]:
    """What `coldspring doctor` finds."""
    told: dict[str, Any] = {
        "COLDSPRING_BOOTSTRAP": trial.kafka.bootstrap,
        "COLDSPRING_REDIS": trial.redis.url,
        "COLDSPRING_CLUSTER": CLUSTER,
        "COLDSPRING_PREFIX": trial.topics.prefix,
        "COLDSPRING_ENCODER": "hashing",
    }
    found: list[dict[str, str]] = json.loads(command("doctor", "--json", data=Path(trial.data), **told).out)
    return found


async def test_a_log_made_anew_under_a_worker_is_noticed(trial: Trial, rng: random.Random) -> None:
    worker = trial.process(**QUICK)
    worker.start()
    await trial.send(clicks(rng, 2_000))
    await trial.check()
    held = trial.digest()
    await made_anew(trial)
    await trial.send(clicks(rng, 100, 50_000), known=False)
    try:
        status = await asyncio.to_thread(worker.wait, 180)
    except subprocess.TimeoutExpired:
        status = None
    assert status == 1, worker.log_tail()
    assert "not the log that the state was learned from" in worker.log_tail()
    assert trial.digest() == held


async def test_what_retention_took_is_said_with_its_number(trial: Trial, rng: random.Random) -> None:
    worker = trial.process(**QUICK)
    worker.start()
    await trial.send(clicks(rng, 1_000))
    await trial.until_read()
    worker.kill()
    stood = {p: head.next["interactions"] for p, head in enumerate(trial.heads())}
    await trial.send(clicks(rng, 2_000, 10_000), known=False)
    lost = {p: at + 100 for p, at in stood.items()}
    admin = AIOKafkaAdminClient(bootstrap_servers=trial.kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_records(
            {TopicPartition(trial.topics.interactions, p): RecordsToDelete(before_offset=at) for p, at in lost.items()}
        )
    finally:
        await admin.close()
    worker.start()
    await trial.until_read()
    heads = trial.heads()
    applied = sum(head.applied + head.duplicates + head.dead_letters for head in heads)
    assert applied == 3_000 - 400
    await trial.until(lambda: trial.pulse("missing:interactions") == 400, 30)
    assert "were removed from the log before they were learned" in worker.log_tail()
