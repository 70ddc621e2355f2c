"""The embedding worker and the index: killed mid-batch, killed while saving, with a bad encoder, on a full disk."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from embedding_worker.encoders.hashing import HashingEncoder
from embedding_worker.snapshot import SnapshotRefusedError, load
from recommender.vectors import Vector, decode_stored
from serving.views.index_view import IndexView
from streams.child_process import ChildProcess
from streams.ports import free_port
from tests.chaos.conftest import Recoveries
from tests.chaos.events import clicks, items
from tests.chaos.test_broker import made_anew
from tests.chaos.trial import CLUSTER, QUICK, Trial
from tests.rig.worker import WorkerProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

KILLS = 10
SAVE_KILLS = 20
ENCODER = HashingEncoder()
STEPS = [f"index.{file}.{step}" for file in ("data", "sidecar") for step in ("written", "synced", "renamed")]


def embedder(trial: Trial, **more: str) -> WorkerProcess:
    """The embedding worker with the encoder that needs no model."""
    url = f"http://127.0.0.1:{free_port()}"
    told = {"COLDSPRING_ENCODER": "hashing", "COLDSPRING_ENCODER_URL": url, "COLDSPRING_ENCODE_BATCH": "8", **more}
    return trial.process("embedding", **told)


def vectors(trial: Trial) -> set[str]:
    """Items whose vectors Redis holds."""
    keys = [trial.keys.items(p).vectors(ENCODER.space) for p in range(4)]
    return {name.decode() for key in keys for name in trial.client.hkeys(key)}


def encoded(trial: Trial) -> int:
    """So many records of `items` are in the vectors."""
    heads = trial.client.mget([trial.keys.items(p).vectors(ENCODER.space) + ":head" for p in range(4)])
    return sum(int(head or 0) for head in heads)


async def check_vectors(trial: Trial, seconds: float = 90.0) -> None:
    """Redis and a new reader's index hold exactly the live items, each found from its own vector."""
    live = set(trial.reference.live_items())
    await trial.until(lambda: encoded(trial) >= trial.sent["items"], seconds, "all items encoded")
    assert vectors(trial) == live
    async with view_of(trial, None) as view:
        await trial.until(lambda: view.complete and view.index is not None and len(view.index) == len(live), 60)
        assert view.index is not None
        names, rows = view.index.export()
        assert set(names) == live
        found = sum(view.index.search(row, 1)[0][0] == name for name, row in zip(names, rows, strict=True))
        assert found >= 0.995 * len(live)
    stored: dict[str, Vector] = {}
    for p in range(4):
        held = trial.client.hgetall(trial.keys.items(p).vectors(ENCODER.space))
        stored |= {name.decode(): decode_stored(value, ENCODER.dim).vector for name, value in held.items()}
    near = [float(np.dot(stored[name], row)) for name, row in zip(names, rows, strict=True)]
    assert min(near) > 0.99, "topic and store hold the same vectors"


@asynccontextmanager
async def view_of(trial: Trial, folder: Path | None) -> AsyncIterator[IndexView]:
    """A reader of the topic of vectors in this process."""
    view = IndexView(trial.kafka.bootstrap, trial.topics.item_vectors, 4, folder)
    task = asyncio.create_task(view.run())
    try:
        yield view
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_killed_in_the_middle_of_batches(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    moments = ["vectors.encoded", "vectors.published", "vectors.written"]
    for kill in range(KILLS):
        at = {"COLDSPRING_CRASH_AT": f"{moments[kill % 3]}:{rng.randint(1, 4)}"} if kill % 2 else {}
        worker = embedder(trial, **at)
        before = trial.client.mget([trial.keys.items(p).vectors(ENCODER.space) + ":head" for p in range(4)])
        await trial.send(items(rng, 120, edition=kill))
        worker.start()
        if at:
            assert await asyncio.to_thread(worker.wait, 180) == -signal.SIGKILL, worker.log_tail()
        else:
            heads = [trial.keys.items(p).vectors(ENCODER.space) + ":head" for p in range(4)]
            taken = await trial.until(lambda heads=heads, before=before: trial.client.mget(heads) != before, 60)  # type: ignore[misc]
            recoveries.add("embedding worker, kill -9", taken)
            await asyncio.sleep(rng.random() * 0.05)
            worker.kill()
    embedder(trial).start()
    await check_vectors(trial)


async def test_an_emptied_store_is_filled_again(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    embedder(trial).start()
    await trial.send(items(rng))
    await check_vectors(trial)
    trial.client.flushall()
    recoveries.add("embedding worker, FLUSHALL: noticed", await trial.until(lambda: bool(vectors(trial)), 30))
    await check_vectors(trial)
    assert trial.client.get(trial.keys.space) == ENCODER.space.encode(), "the space is named again"


async def test_items_made_anew_are_not_mixed_in(trial: Trial, rng: random.Random) -> None:
    worker = embedder(trial)
    worker.start()
    await trial.send(items(rng))
    await check_vectors(trial)
    held = vectors(trial)
    await made_anew(trial, "items")
    await trial.send(items(rng, 40), known=False)
    assert await asyncio.to_thread(worker.wait, 120) == 1
    assert "was made anew" in worker.log_tail()
    assert vectors(trial) == held


async def test_a_full_store_is_waited_for(trial: Trial, rng: random.Random) -> None:
    embedder(trial).start()
    await trial.send(items(rng, 50))
    await check_vectors(trial)
    trial.client.config_set("maxmemory", trial.client.info("memory")["used_memory"] + 20_000)
    await trial.send(items(rng, 250, edition=1))
    await asyncio.sleep(3)
    assert encoded(trial) < trial.sent["items"], "it was full"
    trial.client.config_set("maxmemory", 0)
    await check_vectors(trial)


async def test_killed_while_the_index_is_saved(trial: Trial, rng: random.Random, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    embedder(trial, COLDSPRING_ENCODE_BATCH="32").start()
    await trial.send(items(rng))
    await check_vectors(trial)
    held: dict[int, int] = {}
    for kill in range(SAVE_KILLS):
        step = STEPS[kill % len(STEPS)] if kill < 2 * len(STEPS) else None
        saver = saver_process(trial, folder, **({"COLDSPRING_CRASH_AT": f"{step}:{rng.randint(1, 3)}"} if step else {}))
        with saver:
            if not step:
                await asyncio.to_thread(saver.stdout.readline)
            deadline = time.monotonic() + 180
            until = time.monotonic() + rng.random()
            while saver.running and (step or time.monotonic() < until):
                assert time.monotonic() < deadline, f"{step} was not reached"
                await trial.send(items(rng, 10, edition=kill + 1))
                await asyncio.sleep(0.05)
            saver.kill()
            assert saver.returncode == -signal.SIGKILL
        try:
            snapshot = load(folder, ENCODER.space, ENCODER.dim)
        except SnapshotRefusedError as refused:
            if held or "there is no snapshot" not in str(refused):
                raise
            continue
        assert all(snapshot.positions[p] >= at for p, at in held.items()), "never an older one than before"
        held = dict(snapshot.positions)
    async with view_of(trial, folder) as view:
        live = set(trial.reference.live_items())
        await trial.until(lambda: view.complete and view.index is not None and set(view.index.export()[0]) == live, 60)
    saver = saver_process(trial, folder)
    with saver:
        await asyncio.to_thread(saver.stdout.readline)
        await trial.send(items(rng, 5, edition=99))
        await trial.until(lambda: len(list(folder.iterdir())) == 2, 30, "what killed saves left is swept")
        saver.kill()


async def test_a_full_disk_leaves_the_old_index_whole(trial: Trial, rng: random.Random, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    embedder(trial, COLDSPRING_ENCODE_BATCH="32").start()
    await trial.send(items(rng, 100))
    await check_vectors(trial)
    with saver_process(trial, folder) as saver:
        await trial.until((folder / "index.json").exists, 30)
        saver.kill()
    old = load(folder, ENCODER.space, ENCODER.dim)
    await trial.send(items(rng, 250, edition=1))
    await check_vectors(trial)
    size = max(path.stat().st_size for path in folder.iterdir())
    with saver_process(trial, folder, size + 1_000) as saver:
        assert await asyncio.to_thread(saver.stdout.readline) == b"complete\n"
        await asyncio.sleep(1)
        assert saver.running
        saver.kill()
    assert load(folder, ENCODER.space, ENCODER.dim).sidecar == old.sidecar


def saver_process(trial: Trial, folder: Path, most: int | str = "", **more: str) -> ChildProcess:
    command = [sys.executable, "-m", "tests.chaos.saver", trial.kafka.bootstrap, trial.topics.item_vectors, "4"]
    limit = [str(most)] if most else []
    return ChildProcess([*command, str(folder), *limit], piped=True, env={**os.environ, **more})


async def test_a_bad_encoder_holds_up_no_click(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    trial.process(**QUICK).start()
    await trial.send(clicks(rng, 1_000))
    await trial.until_read()
    place = [trial.kafka.bootstrap, trial.redis.url, CLUSTER, trial.topics.prefix]
    with ChildProcess([sys.executable, "-m", "tests.chaos.bad_encoder", *place, "4"], env=os.environ):
        await trial.send(items(rng))
        await trial.send(clicks(rng, 20_000, 10_000))
        recoveries.add("20,000 clicks beside a bad encoder: read after the last was sent", await trial.until_read())
        assert encoded(trial) < trial.sent["items"], "the encoder is the slow one"
        await check_vectors(trial, 300)
    for p in range(4):
        assert not trial.client.exists(trial.keys.items(p).vectors(ENCODER.space) + ":failed"), "no item was set aside"
    await trial.check()
