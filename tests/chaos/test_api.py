"""The API killed under load: no state changed, serving again within seconds."""

import asyncio
import random

import httpx
import pytest

from streams.ports import free_port
from tests.chaos.conftest import Recoveries
from tests.chaos.events import clicks, items
from tests.chaos.trial import QUICK, Trial

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

KILLS = 5


async def test_killed_under_load(trial: Trial, rng: random.Random, recoveries: Recoveries) -> None:
    trial.process(**QUICK).start()
    await trial.send([*items(rng), *clicks(rng, 10_000)])
    await trial.check()
    held = trial.digest()
    address = f"127.0.0.1:{free_port()}"
    api = trial.process("serving", COLDSPRING_HTTP=address)
    answers = {200: 0, 503: 0}
    stop = asyncio.Event()

    async def ask(client: httpx.AsyncClient) -> None:
        while not stop.is_set():
            try:
                user = f"u{rng.randrange(600)}"
                answer = await client.get(f"/v1/users/{user}/recommendations")
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
                continue
            answers[answer.status_code] += 1
            if answer.status_code == 200:
                assert answer.json()["user_id"] == user
                assert answer.json()["items"], "never a silently empty list"

    async def ready(client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get("/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=10) as client:
        asking = [asyncio.create_task(ask(client)) for _ in range(4)]
        for kill in range(KILLS + 1):
            began = asyncio.get_running_loop().time()
            api.start()
            while not await ready(client):
                assert asyncio.get_running_loop().time() - began < 60, api.log_tail()
                await asyncio.sleep(0.02)
            recoveries.add("API, kill -9 under load: from start to ready", asyncio.get_running_loop().time() - began)
            before = answers[200]
            await trial.until(lambda before=before: answers[200] >= before + 50)  # type: ignore[misc]
            if kill < KILLS:
                await asyncio.to_thread(api.kill)
        stop.set()
        await asyncio.gather(*asking)
    assert set(answers) == {200, 503}
    assert trial.digest() == held
