"""Thousands of answers while one fault follows the other: at least 99.9 % are right or an honest 503."""

import os
import random
import time
from pathlib import Path

import pytest

from coldspring import Client
from tests.chaos.conftest import Recoveries
from tests.rig.faults import FAULTS, Place, go_through
from tests.rig.questions import Questions

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]

SECONDS = float(os.environ.get("CHAOS_SERVICE_SECONDS", "180"))


def test_service_through_faults(tmp_path: Path, rng: random.Random, recoveries: Recoveries) -> None:
    with Place(tmp_path) as place, Client(place.system.url) as client:
        with Questions(place.system.url, place.known) as asking:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                fault = rng.choice(FAULTS)
                recoveries.add(f"all current again: {fault.__name__}", go_through(place, client, asking, fault))
        asked = asking.asked
        told = f"{asked.right.total()} right, {asked.honest.total()} honest 503, {len(asked.wrong)} wrong"
        assert asked.total >= 1_000, told
        assert len(asked.wrong) <= asked.total / 1_000, (told, asked.wrong[:20])
        # Most of the time there was something to be had.
        assert asked.right.total() > asked.honest.total(), told
