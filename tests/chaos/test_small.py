"""The small part of the chaos that every run of the tests has; `make chaos` has all of it."""

import asyncio
import random
import signal

import pytest
from aiokafka import AIOKafkaProducer

from recommender.partitioning import partition_of
from tests.chaos.events import clicks, items
from tests.chaos.test_broker import made_anew
from tests.chaos.trial import QUICK, Trial


@pytest.mark.timeout(300)
async def test_killed_between_the_state_and_what_follows(trial: Trial, rng: random.Random) -> None:
    for moment in ("interactions.dead.after", "interactions.commit.after", "items.commit.before"):
        await trial.send([*items(rng, 30, edition=1), *clicks(rng, 400, 1_000 * trial.sent["interactions"])])
        worker = trial.process(COLDSPRING_CRASH_AT=moment, **QUICK)
        worker.start()
        assert await asyncio.to_thread(worker.wait, 120) == -signal.SIGKILL, worker.log_tail()
    trial.process(**QUICK).start()
    await trial.check()


@pytest.mark.timeout(300)
async def test_an_emptied_store_is_healed_and_another_log_refused(trial: Trial, rng: random.Random) -> None:
    worker = trial.process(**QUICK)
    worker.start()
    await trial.send([*items(rng, 30), *clicks(rng, 500)])
    await trial.check()
    trial.client.flushall()  # and no new event comes
    await trial.check()
    await trial.until(lambda: trial.pulse("store_went_back") > 0, 30)
    held = trial.digest()
    await asyncio.to_thread(worker.terminate, 30)
    await made_anew(trial)
    await trial.send(clicks(rng, 700, 50_000), known=False)
    worker.start()
    assert await asyncio.to_thread(worker.wait, 120) == 1
    assert "not the log that the state was learned from" in worker.log_tail()
    assert trial.digest() == held


@pytest.mark.timeout(300)
async def test_aborted_transactions_leave_nothing_to_wait_for(trial: Trial, rng: random.Random) -> None:
    """Their records and marks are seen by no reader; the position passes over them all the same."""
    trial.process(**QUICK).start()
    events = clicks(rng, 40)
    producer = AIOKafkaProducer(bootstrap_servers=trial.kafka.bootstrap, transactional_id=f"{trial.topics.prefix}t")
    await producer.start()
    try:
        for part, aborted in ((events[:20], False), (clicks(rng, 20, 9_000), True), (events[20:], False)):
            await producer.begin_transaction()
            for event in part:
                place = partition_of(event.identity, 4)
                await producer.send(trial.topics.interactions, event.value, partition=place)
                if not aborted:
                    trial.reference.feed(event.kind, event.identity, event.value)
            await (producer.abort_transaction() if aborted else producer.commit_transaction())
    finally:
        await producer.stop()
    ends = await trial.ends("interactions")
    assert sum(ends) > 60
    await trial.until(lambda: [head.next.get("interactions", 0) for head in trial.heads()] == ends, 60)
    await trial.check()
